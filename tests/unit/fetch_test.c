#include "builder/transfer/fetch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/canned_http.h"
#include "tests/lib/test.h"

static const struct fetch_limits plain = {.bytes = 1000000, .seconds = 60};

/* Loopback is not asked for through a proxy, whatever the environment says. */
__attribute__((constructor)) static void
no_proxy(void)
{
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	setenv("NO_PROXY", "127.0.0.1,localhost", 1);
}

static char *
url_of(struct canned *c, const char *path)
{
	return xasprintf("%s%s", canned_base(c), path);
}

/* Fetches into a buffer that holds "before" already, and checks that it still does. */
static int
get(struct canned *c, const char *path, const struct fetch_limits *l, struct buf *out,
    struct err *e)
{
	char *url = url_of(c, path);
	int r;

	*e = (struct err){0};
	buf_fini(out);
	buf_adds(out, "before ");
	r = fetch_buf(url, NULL, l, out, e);
	CHECK_INT(r, e->code);
	CHECK(out->len >= 7 && memcmp(out->data, "before ", 7) == 0);
	if (r != 0)
		CHECK_INT((int64_t)out->len, 7);
	buf_drop(out, 7);
	free(url);
	return r;
}

static int
get_file(struct canned *c, const char *path, const struct fetch_limits *l, const char *to,
	 struct err *e)
{
	char *url = url_of(c, path);
	int r;

	*e = (struct err){0};
	r = fetch_file(url, l, to, NULL, e);
	CHECK_INT(r, e->code);
	free(url);
	return r;
}

TEST(good_answer_and_what_is_asked)
{
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e = {0};
	char *url = url_of(c, "/doc"), *asked;

	canned_reply(c, "/doc", 200, "", "hello", 5);
	CHECK_INT(fetch_buf(url, "application/json", &plain, &out, &e), 0);
	CHECK_STR(out.data, "hello");
	asked = canned_last(c);
	CHECK(strncmp(asked, "GET /doc HTTP/1.1\r\n", 19) == 0);
	CHECK(strstr(asked, "\r\nUser-Agent: prebuildd\r\n") != NULL);
	CHECK(strstr(asked, "\r\nAccept: application/json\r\n") != NULL);
	free(asked);
	CHECK_INT(get(c, "/doc", &plain, &out, &e), 0);
	CHECK_STR(out.data, "hello");
	CHECK_INT(canned_hits(c, "/doc"), 2);
	canned_reply(c, "/empty", 200, "", "", 0);
	CHECK_INT(get(c, "/empty", &plain, &out, &e), 0);
	CHECK_INT((int64_t)out.len, 0);
	free(url);
	buf_fini(&out);
	canned_stop(c);
}

TEST(file_is_new_and_holds_the_bytes_as_sent)
{
	struct canned *c = canned_start();
	const char *to = test_path("got");
	struct buf out = {0};
	struct err e;
	char *asked;

	/* A body that says it is compressed stays as it is: its digest is of these bytes. */
	canned_reply(c, "/f", 200, "Content-Encoding: gzip\r\n", "a\0b", 3);
	CHECK_INT(get_file(c, "/f", &plain, to, &e), 0);
	CHECK_INT(file_read(to, 100, &out, NULL), 0);
	CHECK(out.len == 3 && memcmp(out.data, "a\0b", 3) == 0);
	asked = canned_last(c);
	CHECK(strcasestr(asked, "\r\nAccept-Encoding:") == NULL);
	free(asked);
	CHECK_INT(file_write(to, "mine", 4, 0644, NULL), 0);
	CHECK_INT(get_file(c, "/f", &plain, to, &e), -EEXIST);
	out.len = 0;
	CHECK_INT(file_read(to, 100, &out, NULL), 0);
	CHECK_STR(out.data, "mine");
	CHECK_INT(get_file(c, "/none", &plain, test_path("none"), &e), ERR_NOT_FOUND);
	CHECK(!file_exists(test_path("none")));
	buf_fini(&out);
	canned_stop(c);
}

TEST(other_statuses_are_final)
{
	static const struct {
		int status, code;
	} cases[] = {
		{201, ERR_UNREACHABLE}, {202, ERR_UNREACHABLE}, {204, ERR_UNREACHABLE},
		{206, ERR_UNREACHABLE}, {304, ERR_UNREACHABLE}, {400, ERR_UNREACHABLE},
		{401, ERR_UNREACHABLE}, {403, ERR_FORBIDDEN},   {404, ERR_NOT_FOUND},
		{410, ERR_NOT_FOUND},   {451, ERR_UNREACHABLE},
	};
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool bare = cases[i].status == 204 || cases[i].status == 304;
		char path[32], number[16];

		snprintf(path, sizeof path, "/s%d", cases[i].status);
		snprintf(number, sizeof number, "answered %d", cases[i].status);
		canned_reply(c, path, cases[i].status, "", "page", bare ? 0 : 4);
		CHECK_INT(get(c, path, &plain, &out, &e), cases[i].code);
		CHECK_MSG(strstr(e.msg, number) != NULL, "%s: %s", path, e.msg);
		CHECK_INT(canned_hits(c, path), 1);
	}
	buf_fini(&out);
	canned_stop(c);
}

TEST(transient_failures_are_tried_three_times)
{
	struct canned *c = canned_start();
	const char *to = test_path("whole");
	struct buf out = {0};
	struct err e;

	canned_reply(c, "/once", 500, "", "oops", 4);
	canned_reply(c, "/once", 200, "", "fine", 4);
	CHECK_INT(get(c, "/once", &plain, &out, &e), 0);
	CHECK_STR(out.data, "fine");
	CHECK_INT(canned_hits(c, "/once"), 2);

	canned_reply(c, "/twice", 429, "", "", 0);
	canned_raw(c, "/twice", "", 0);
	canned_reply(c, "/twice", 200, "", "fine", 4);
	CHECK_INT(get(c, "/twice", &plain, &out, &e), 0);
	CHECK_INT(canned_hits(c, "/twice"), 3);

	canned_reply(c, "/down", 503, "", "", 0);
	CHECK_INT(get(c, "/down", &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_INT(canned_hits(c, "/down"), 3);
	CHECK(strstr(e.msg, "answered 503 (tried 3 times)") != NULL);

	/* The first part of a broken transfer is not in front of the second try's bytes. */
	canned_raw(c, "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbrok", 42);
	canned_reply(c, "/cut", 200, "", "complete", 8);
	CHECK_INT(get_file(c, "/cut", &plain, to, &e), 0);
	CHECK_INT(file_read(to, 100, &out, NULL), 0);
	CHECK_STR(out.data, "complete");
	canned_raw(c, "/cut2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbrok", 42);
	canned_reply(c, "/cut2", 200, "", "complete", 8);
	CHECK_INT(get(c, "/cut2", &plain, &out, &e), 0);
	CHECK_STR(out.data, "complete");
	buf_fini(&out);
	canned_stop(c);
}

TEST(truncated_body_is_an_error)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				      "4\r\nbrok\r\n8\r\nen";
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e;

	canned_raw(c, "/len", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbrok", 42);
	canned_raw(c, "/chunks", chunked, sizeof chunked - 1);
	CHECK_INT(get(c, "/len", &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_INT(canned_hits(c, "/len"), 3);
	CHECK_INT(get(c, "/chunks", &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_INT(get_file(c, "/len", &plain, test_path("cut"), &e), ERR_UNREACHABLE);
	CHECK(!file_exists(test_path("cut")));
	buf_fini(&out);
	canned_stop(c);
}

TEST(redirects_are_followed_five_times)
{
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e;
	char headers[200];

	for (int i = 0; i < 6; i++) {
		char path[16];

		snprintf(path, sizeof path, "/r%d", i);
		snprintf(headers, sizeof headers, "Location: %s/r%d\r\n",
			 i % 2 != 0 ? canned_base(c) : "", i + 1);
		canned_reply(c, path, 302, headers, "moved", 5);
	}
	canned_reply(c, "/r6", 200, "", "there", 5);
	CHECK_INT(get(c, "/r1", &plain, &out, &e), 0);
	CHECK_STR(out.data, "there");
	CHECK_INT(get(c, "/r0", &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_INT(canned_hits(c, "/r0"), 1);

	canned_reply(c, "/loop", 301, "Location: /loop\r\n", "", 0);
	CHECK_INT(get(c, "/loop", &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_INT(canned_hits(c, "/loop"), 6);
	buf_fini(&out);
	canned_stop(c);
}

TEST(only_http_and_https)
{
	static const char *const elsewhere[] = {
		"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
		"dict://127.0.0.1/x", "ldap://127.0.0.1/", "javascript:alert(1)",
	};
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		char path[16], headers[200];

		snprintf(path, sizeof path, "/to%zu", i);
		snprintf(headers, sizeof headers, "Location: %s\r\n", elsewhere[i]);
		canned_reply(c, path, 302, headers, "", 0);
		CHECK_INT(get(c, path, &plain, &out, &e), ERR_UNSUPPORTED);
		CHECK_INT(canned_hits(c, path), 1);
		e = (struct err){0};
		CHECK(fetch_buf(elsewhere[i], NULL, &plain, &out, &e) < 0);
		CHECK_MSG(e.code == ERR_UNSUPPORTED || e.code == ERR_INVALID, "%s: %s",
			  elsewhere[i], e.msg);
		CHECK_INT((int64_t)out.len, 0);
	}
	buf_fini(&out);
	canned_stop(c);
}

TEST(what_is_no_url)
{
	static const char *const bad[] = {
		"",
		"hello",
		"/path",
		"127.0.0.1/x",
		"http://",
		"http://a b/",
		"http://h\nost/",
		"http://[::1/",
		"http://host:99999/",
	};
	struct buf out = {0};
	char *big = xmalloc(5000);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = {0};

		CHECK_MSG(fetch_buf(bad[i], NULL, &plain, &out, &e) == ERR_INVALID, "%s: %s",
			  bad[i], e.msg);
		CHECK(e.msg[0] != '\0');
	}
	memset(big, 'a', 4999);
	memcpy(big, "http://127.0.0.1/", 17);
	big[4999] = '\0';
	CHECK_INT(fetch_buf(big, NULL, &plain, &out, NULL), ERR_INVALID);
	free(big);
	buf_fini(&out);
}

TEST(body_limit)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				      "5\r\n12345\r\n6\r\n678901\r\n0\r\n\r\n";
	static const char open_end[] = "HTTP/1.0 200 OK\r\n\r\n12345678901";
	struct fetch_limits ten = {.bytes = 10, .seconds = 60};
	struct fetch_limits eleven = {.bytes = 11, .seconds = 60};
	struct canned *c = canned_start();
	static const char *const paths[] = {"/declared", "/chunked", "/open"};
	struct buf out = {0};
	struct err e;

	canned_reply(c, paths[0], 200, "", "12345678901", 11);
	canned_raw(c, paths[1], chunked, sizeof chunked - 1);
	canned_raw(c, paths[2], open_end, sizeof open_end - 1);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CHECK_INT(get(c, paths[i], &ten, &out, &e), ERR_TOO_LARGE);
		CHECK(strstr(e.msg, "larger than 10 bytes") != NULL);
		CHECK_INT(canned_hits(c, paths[i]), 1);
		CHECK_INT(get_file(c, paths[i], &ten, test_path("big"), &e), ERR_TOO_LARGE);
		CHECK(!file_exists(test_path("big")));
		CHECK_INT(get(c, paths[i], &eleven, &out, &e), 0);
		CHECK_STR(out.data, "12345678901");
	}
	buf_fini(&out);
	canned_stop(c);
}

TEST(compressed_documents_count_unpacked)
{
	/* 100000 times 'a', gzip -9 */
	struct fetch_limits just = {.bytes = 100000, .seconds = 60};
	struct fetch_limits less = {.bytes = 99999, .seconds = 60};
	struct canned *c = canned_start();
	struct buf packed = {0}, out = {0};
	struct err e;
	const char *file = test_path("a");
	char *text = xmalloc(100000), *command = xasprintf("gzip -9nc %s > %s.gz", file, file);

	memset(text, 'a', 100000);
	CHECK_INT(file_write(file, text, 100000, 0644, NULL), 0);
	CHECK_INT(system(command), 0);
	CHECK_INT(file_read(test_path("a.gz"), 1000, &packed, NULL), 0);
	canned_reply(c, "/z", 200, "Content-Encoding: gzip\r\n", packed.data, packed.len);
	CHECK_INT(get(c, "/z", &just, &out, &e), 0);
	CHECK(out.len == 100000 && memcmp(out.data, text, out.len) == 0);
	CHECK_INT(get(c, "/z", &less, &out, &e), ERR_TOO_LARGE);
	free(text);
	free(command);
	buf_fini(&packed);
	buf_fini(&out);
	canned_stop(c);
}

TEST(header_limit)
{
	struct canned *c = canned_start();
	struct buf raw = {0}, out = {0};
	struct err e;

	buf_adds(&raw, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 300; i++)
		buf_addf(&raw, "X-%d: %0999d\r\n", i, i);
	buf_adds(&raw, "Content-Length: 1\r\n\r\nx");
	canned_raw(c, "/h", raw.data, raw.len);
	CHECK_INT(get(c, "/h", &plain, &out, &e), ERR_LIMIT);
	CHECK_INT(canned_hits(c, "/h"), 1);
	buf_fini(&raw);
	buf_fini(&out);
	canned_stop(c);
}

TEST(cancel)
{
	struct canned *c = canned_start();
	atomic_bool stop = false;
	struct fetch_limits l = {.bytes = 2000000, .seconds = 60, .cancel = &stop};
	struct buf out = {0};
	struct err e;

	canned_drip(c, "/slow");
	canned_raise(c, "/slow", &stop);
	CHECK_INT(get_file(c, "/slow", &l, test_path("slow"), &e), ERR_CANCELLED);
	CHECK_INT(canned_hits(c, "/slow"), 1);
	CHECK(!file_exists(test_path("slow")));
	CHECK_INT(get(c, "/slow", &l, &out, &e), ERR_CANCELLED);
	CHECK_INT(canned_hits(c, "/slow"), 1);

	/* Between two tries. */
	atomic_store(&stop, false);
	canned_reply(c, "/down", 503, "", "", 0);
	canned_raise(c, "/down", &stop);
	CHECK_INT(get(c, "/down", &l, &out, &e), ERR_CANCELLED);
	CHECK_INT(canned_hits(c, "/down"), 1);
	buf_fini(&out);
	canned_stop(c);
}

TEST(time_limit)
{
	struct fetch_limits second = {.bytes = 2000000, .seconds = 1};
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e;

	canned_drip(c, "/slow");
	CHECK_INT(get(c, "/slow", &second, &out, &e), ERR_TIMEOUT);
	CHECK_INT(canned_hits(c, "/slow"), 1);
	/* Three tries and their pauses do not fit. */
	canned_reply(c, "/down", 503, "", "", 0);
	CHECK_INT(get(c, "/down", &second, &out, &e), ERR_TIMEOUT);
	CHECK(canned_hits(c, "/down") < 3);
	buf_fini(&out);
	canned_stop(c);
}

TEST(nobody_listens)
{
	struct canned *c = canned_start();
	char *url = url_of(c, "/x");
	struct buf out = {0};
	struct err e = {0};

	canned_stop(c);
	CHECK_INT(fetch_buf(url, NULL, &plain, &out, &e), ERR_UNREACHABLE);
	CHECK(strstr(e.msg, "(tried 3 times)") != NULL);
	free(url);
	buf_fini(&out);
}

TEST(messages_keep_secrets)
{
	struct canned *c = canned_start();
	const char *port = strrchr(canned_base(c), ':');
	char *url = xasprintf("http://joe:s3cret@127.0.0.1%s/a/b?token=t0ken#frag", port);
	char *where = xasprintf("127.0.0.1%s/a/b: ", port), *asked;
	struct fetch_limits tiny = {.bytes = 1, .seconds = 60};
	struct buf out = {0};
	static const int statuses[] = {404, 403, 503, 200};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		canned_reply(c, "/a/b", statuses[i], "", "xx", 2);
	for (size_t i = 0; i < 3; i++) {
		struct err e = {0};

		CHECK(fetch_buf(url, NULL, &tiny, &out, &e) < 0);
		CHECK_MSG(strstr(e.msg, "joe") == NULL && strstr(e.msg, "s3cret") == NULL &&
				  strstr(e.msg, "t0ken") == NULL && strstr(e.msg, "frag") == NULL,
			  "%s", e.msg);
		CHECK_MSG(strncmp(e.msg, where, strlen(where) - 2) == 0, "%s", e.msg);
	}
	asked = canned_last(c);
	CHECK(strstr(asked, "\r\nAuthorization: Basic am9lOnMzY3JldA==\r\n") != NULL);
	CHECK(strncmp(asked, "GET /a/b?token=t0ken HTTP/1.1\r\n", 31) == 0);
	free(asked);
	free(url);
	free(where);
	buf_fini(&out);
	canned_stop(c);
}

TEST(proxy_from_the_environment)
{
	char *before = getenv("http_proxy") != NULL ? xstrdup(getenv("http_proxy")) : NULL;
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e = {0};

	canned_reply(c, "http://somewhere.invalid/x", 200, "", "by proxy", 8);
	setenv("http_proxy", canned_base(c), 1);
	CHECK_INT(fetch_buf("http://somewhere.invalid/x", NULL, &plain, &out, &e), 0);
	CHECK_STR(out.data, "by proxy");
	if (before != NULL)
		setenv("http_proxy", before, 1);
	else
		unsetenv("http_proxy");
	free(before);
	buf_fini(&out);
	canned_stop(c);
}

static void *
one_thread(void *ctx)
{
	struct buf out = {0};
	struct err e = {0};
	intptr_t good = fetch_buf(ctx, NULL, &plain, &out, &e) == 0 && out.len == 5;

	buf_fini(&out);
	return (void *)good;
}

TEST(many_threads)
{
	struct canned *c = canned_start();
	char *url = url_of(c, "/doc");
	pthread_t threads[8];

	canned_reply(c, "/doc", 200, "", "hello", 5);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_INT(pthread_create(&threads[i], NULL, one_thread, url), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *good = NULL;

		pthread_join(threads[i], &good);
		CHECK(good != NULL);
	}
	CHECK_INT(canned_hits(c, "/doc"), (int64_t)ARRAY_SIZE(threads));
	free(url);
	canned_stop(c);
}

/* A TLS server: openssl's, which sends files that hold whole answers. Returns its process, or -1;
 * *port is where it listens. */
static pid_t
start_tls(const char *dir, unsigned *port)
{
	static const char make[] =
		"cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		"-keyout key -out cert -days 2 -subj /CN=localhost "
		"-addext subjectAltName=IP:127.0.0.1 2>openssl.log";
	char *command = xasprintf(make, dir), line[256];
	int ends[2];
	pid_t pid;
	FILE *f;

	*port = 0;
	if (!CHECK_INT(system(command), 0) || pipe(ends) != 0) {
		free(command);
		return -1;
	}
	free(command);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		if (chdir(dir) == 0 && freopen("s_server.log", "w", stderr) != NULL)
			execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
			       "cert", "-key", "key", "-HTTP", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	f = fdopen(ends[0], "r");
	while (*port == 0 && fgets(line, sizeof line, f) != NULL)
		sscanf(line, "ACCEPT 127.0.0.1:%u", port);
	fclose(f);
	CHECK(*port != 0);
	return pid;
}

TEST(certificates_from_the_environment)
{
	static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE",
						"NODE_EXTRA_CA_CERTS"};
	static const char good[] = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
	static const char down[] = "HTTP/1.0 302 Moved\r\nLocation: %s/plain\r\n"
				   "Content-Length: 0\r\n\r\n";
	char *before[ARRAY_SIZE(variables)], *url, *answer, *cert;
	struct canned *c = canned_start();
	struct buf out = {0};
	struct err e = {0};
	unsigned port;
	pid_t pid;

	canned_reply(c, "/plain", 200, "", "in the clear", 12);
	answer = xasprintf(down, canned_base(c));
	file_write(test_path("doc"), good, sizeof good - 1, 0644, NULL);
	file_write(test_path("down"), answer, strlen(answer), 0644, NULL);
	free(answer);
	pid = start_tls(test_dir(), &port);
	if (pid < 0)
		return;
	cert = xasprintf("%s/cert", test_dir());
	url = xasprintf("https://127.0.0.1:%u/doc", port);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);

		before[i] = value != NULL ? xstrdup(value) : NULL;
		unsetenv(variables[i]);
	}
	CHECK_INT(fetch_buf(url, NULL, &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_MSG(strstr(e.msg, "certificate") != NULL, "%s", e.msg);
	CHECK_MSG(strstr(e.msg, "tried") == NULL, "%s", e.msg);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		e = (struct err){0};
		out.len = 0;
		setenv(variables[i], cert, 1);
		CHECK_MSG(fetch_buf(url, NULL, &plain, &out, &e) == 0, "%s: %s", variables[i],
			  e.msg);
		CHECK(out.len == 6);
		setenv(variables[i], "", 1);
	}
	free(url);
	/* What began under TLS does not go on without it. */
	setenv("CURL_CA_BUNDLE", cert, 1);
	url = xasprintf("https://127.0.0.1:%u/down", port);
	e = (struct err){0};
	CHECK_INT(fetch_buf(url, NULL, &plain, &out, &e), ERR_UNSUPPORTED);
	CHECK_INT(canned_hits(c, "/plain"), 0);
	/* One line, and the name of the file that is missing. */
	setenv("CURL_CA_BUNDLE", "/nonexistent/bundle", 1);
	e = (struct err){0};
	CHECK_INT(fetch_buf(url, NULL, &plain, &out, &e), ERR_UNREACHABLE);
	CHECK_MSG(strstr(e.msg, "/nonexistent/bundle") != NULL && strchr(e.msg, '\n') == NULL, "%s",
		  e.msg);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		if (before[i] != NULL)
			setenv(variables[i], before[i], 1);
		else
			unsetenv(variables[i]);
		free(before[i]);
	}
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(cert);
	free(url);
	buf_fini(&out);
	canned_stop(c);
}

TEST(the_host_of_an_address)
{
	static const struct {
		const char *url, *host;
	} cases[] = {
		{"https://registry.example.org/", "registry.example.org"},
		{"http://127.0.0.1:4873", "127.0.0.1"},
		{"http://user:secret@npm.example.org/npm/", "npm.example.org"},
		{"http://[::1]:4873/", "[::1]"},
		{"no address", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *host = fetch_host(cases[i].url);

		CHECK_STR(host != NULL ? host : "", cases[i].host);
		free(host);
	}
}
