/* What a client sends: bodies in memory and uploads in files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define HOST "Host: test\r\n"

static struct http_fixture *server;
static struct client client;
static struct answer answer;

static void
set_up_with(const char *dir, const struct http_limits *limits)
{
	server = http_fixture_start("127.0.0.1:0", dir, limits);
	client = client_open(server);
}

static void
set_up(void)
{
	set_up_with(test_dir(), NULL);
}

static void
tear_down(void)
{
	answer_fini(&answer);
	client_close(&client);
	CHECK(http_fixture_alive(server));
	CHECK_INT(http_fixture_stop(server), 0);
}

static void
reconnect(void)
{
	client_close(&client);
	client = client_open(server);
}

/* Files in the folder for uploads. */
static int
spooled_files(const char *dir)
{
	char *path = xasprintf("%s/spool", dir);
	DIR *d = opendir(path);
	int count = 0;

	while (readdir(d) != NULL)
		count++;
	closedir(d);
	free(path);
	return count - 2;
}

/* Sends a body with its length, or in chunks of `chunk` bytes. */
static bool
send_body(const char *line, const char *body, size_t len, size_t chunk)
{
	struct buf out = {0};
	bool ok;

	if (chunk == 0)
		buf_addf(&out, "%s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", line, len);
	else
		buf_addf(&out, "%s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", line);
	for (size_t at = 0; at < len;) {
		size_t n = chunk == 0 || len - at < chunk ? len - at : chunk;

		if (chunk > 0)
			buf_addf(&out, "%zx\r\n", n);
		buf_add(&out, body + at, n);
		if (chunk > 0)
			buf_adds(&out, "\r\n");
		at += n;
	}
	if (chunk > 0)
		buf_adds(&out, "0\r\n\r\n");
	ok = client_send(&client, out.data, out.len);
	buf_fini(&out);
	return ok;
}

static char *
make_body(size_t size)
{
	char *data = xmalloc(size);
	uint32_t x = 7;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (char)(x >> 24);
	}
	return data;
}

static void
write_map(const char *path, const char *fmt, unsigned id)
{
	char text[32];
	int n = snprintf(text, sizeof text, fmt, id);

	file_write(path, text, (size_t)n, 0600, NULL);
}

/* A file system of one megabyte at path, in a mount namespace of this process. */
static bool
mount_small(const char *path)
{
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return false;
		file_write("/proc/self/setgroups", "deny", 4, 0600, NULL);
		write_map("/proc/self/uid_map", "0 %u 1", uid);
		write_map("/proc/self/gid_map", "0 %u 1", gid);
	}
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0;
}

/* In a process of its own; the exit status names the step that failed. */
static int
upload_to_a_full_disk(const char *dir)
{
	char *body = make_body(3000000);
	int step = 0;

	if (!mount_small(dir))
		return 1;
	set_up_with(dir, NULL);
	for (size_t chunk = 0; chunk <= 50000 && step == 0; chunk += 50000) {
		reconnect();
		if (!send_body("PUT /upload", body, 3000000, chunk) ||
		    !client_read(&client, false, &answer))
			step = 2;
		else if (answer.status != 507 || strcmp(answer_code(&answer), "storage-full") != 0)
			step = 3;
		/* What was written is gone, so that the next small one has room. */
		reconnect();
		if (step == 0 && (!send_body("PUT /upload", body, 1000, chunk) ||
				  !client_read(&client, false, &answer) || answer.status != 201))
			step = 4;
	}
	free(body);
	client_close(&client);
	answer_fini(&answer);
	if (http_fixture_stop(server) != 0)
		step = 5;
	if (step == 0 && spooled_files(dir) != 0)
		step = 6;
	return step;
}

/* The first test of this file: a process that forks should not have threads yet. */
TEST(upload_when_the_disk_is_full)
{
	const char *dir = test_dir();
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(upload_to_a_full_disk(dir));
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(body_comes_back)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 70000, 900000};
	static const size_t chunks[] = {0, 1, 7, 1000, 65536};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *body = make_body(sizes[i]);

		for (size_t k = 0; k < ARRAY_SIZE(chunks); k++) {
			CHECK(send_body("POST /echo", body, sizes[i], chunks[k]));
			CHECK(client_read(&client, false, &answer));
			CHECK_INT(answer.status, 200);
			CHECK_MSG(answer.body.len == sizes[i] &&
					  memcmp(answer.body.data, body, sizes[i]) == 0,
				  "%zu bytes in chunks of %zu", sizes[i], chunks[k]);
		}
		free(body);
	}
	tear_down();
}

TEST(bodies_and_requests_in_one_piece)
{
	static const char all[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
				  "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
				  "\r\n2\r\ntw\r\n1\r\no\r\n0\r\nX: y\r\n\r\n"
				  "GET /ok HTTP/1.1\r\n" HOST "\r\n"
				  "PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree"
				  "GET /ok HTTP/1.1\r\n" HOST "\r\n";
	static const char *const want[] = {"one", "two", "ok\n", NULL, "ok\n"};

	set_up();
	for (size_t step = 1; step < sizeof all; step = step * 3 + 1) {
		for (size_t at = 0; at < sizeof all - 1; at += step)
			CHECK(client_send(&client, all + at,
					  sizeof all - 1 - at < step ? sizeof all - 1 - at : step));
		for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
			CHECK(client_read(&client, false, &answer));
			if (want[i] != NULL)
				CHECK_STR(answer.body.data, want[i]);
			else
				CHECK_INT(answer.status, 201);
		}
	}
	tear_down();
}

/* What follows a chunked body in the same piece may be far more than a head's buffer holds. */
TEST(many_chunked_requests_at_once)
{
	enum { REQUESTS = 3000 };
	struct buf all = {0};
	char want[16];
	size_t cut;

	set_up();
	for (int i = 0; i < REQUESTS; i++)
		buf_addf(&all,
			 "POST /echo HTTP/1.1\r\n" HOST
			 "Transfer-Encoding: chunked\r\n\r\n4\r\n%04d\r\n0\r\n\r\n",
			 i);
	cut = (size_t)(strstr(all.data, "0000\r\n") - all.data);
	CHECK(client_send(&client, all.data, cut));
	/* So that the server waits for the body already. */
	CHECK(http_fixture_alive(server));
	CHECK(client_send(&client, all.data + cut, all.len - cut));
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(want, sizeof want, "%04d", i);
		if (!CHECK(client_read(&client, false, &answer)))
			break;
		CHECK_STR(answer.body.data, want);
	}
	buf_fini(&all);
	tear_down();
}

TEST(body_limits)
{
	struct http_limits limits = http_limits_default();
	char *body = make_body(2000);

	limits.body = 1000;
	limits.upload = 1500;
	set_up_with(test_dir(), &limits);
	for (size_t chunk = 0; chunk <= 100; chunk += 100) {
		static const struct {
			const char *line;
			size_t size;
			int status;
		} cases[] = {
			{"POST /echo", 1000, 200},     {"POST /echo", 1001, 413},
			{"POST /echo-small", 10, 200}, {"POST /echo-small", 11, 413},
			{"PUT /upload", 1500, 201},    {"PUT /upload", 1501, 413},
		};

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			reconnect();
			CHECK(send_body(cases[i].line, body, cases[i].size, chunk));
			CHECK(client_read(&client, false, &answer));
			CHECK_INT(answer.status, cases[i].status);
			if (answer.status != 413)
				continue;
			CHECK_STR(answer_code(&answer), "too-large");
			CHECK_STR(answer_header(&answer, "Connection"), "close");
			CHECK(client_ended(&client));
		}
	}
	CHECK_INT(spooled_files(test_dir()), 0);
	free(body);
	tear_down();
}

/* A refused upload is read on until the client has taken the reply. */
TEST(refused_upload_is_answered_while_it_is_sent)
{
	struct http_limits limits = http_limits_default();
	size_t size = 8 * 1000 * 1000;
	char *body = make_body(size);

	limits.upload = 1000;
	set_up_with(test_dir(), &limits);
	CHECK(send_body("PUT /upload", body, size, 0));
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 413);
	free(body);
	tear_down();
}

TEST(uploads_have_size_and_digest)
{
	static const size_t sizes[] = {0, 1, 65536, 3000000};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *body = make_body(sizes[i]), hex[DIGEST_HEX_SIZE];
		struct digest digest;

		digest_bytes(body, sizes[i], &digest);
		digest_hex(&digest, hex);
		for (size_t chunk = 0; chunk <= 50000; chunk += 50000) {
			struct json *v;

			CHECK(send_body("PUT /upload", body, sizes[i], chunk));
			CHECK(client_read(&client, false, &answer));
			CHECK_INT(answer.status, 201);
			v = json_parse(answer.body.data, answer.body.len, NULL);
			CHECK_INT(json_int(v, "size", -1), (int64_t)sizes[i]);
			CHECK_STR(json_str(v, "digest", NULL), hex);
			json_free(v);
		}
		free(body);
	}
	CHECK(client_ask(&client, "GET /ok HTTP/1.1\r\n" HOST "\r\n", &answer));
	CHECK_INT(spooled_files(test_dir()), 0);
	tear_down();
}

TEST(upload_can_be_kept)
{
	const char *kept = test_path("kept");
	struct buf have = {0};

	set_up();
	CHECK(send_body("PUT /upload?keep=1", "hello", 5, 0));
	CHECK(client_read(&client, false, &answer));
	CHECK(strstr(answer.body.data, "rename") == NULL);
	CHECK(client_ask(&client, "GET /ok HTTP/1.1\r\n" HOST "\r\n", &answer));
	CHECK_INT(file_read(kept, 100, &have, NULL), 0);
	CHECK_STR(have.data, "hello");
	CHECK_INT(spooled_files(test_dir()), 0);
	buf_fini(&have);
	tear_down();
}

TEST(upload_of_a_client_that_leaves)
{
	char *body = make_body(300000);

	set_up();
	for (int i = 0; i < 20; i++) {
		CHECK(client_sends(&client, "PUT /upload HTTP/1.1\r\n" HOST
					    "Content-Length: 1000000\r\n\r\n"));
		CHECK(client_send(&client, body, (size_t)i * 15000));
		reconnect();
	}
	CHECK(http_fixture_wait(server, COUNT_499, 20));
	CHECK(http_fixture_alive(server));
	/* The last file goes with its connection, which closes a moment later. */
	for (int i = 0; i < 1000 && spooled_files(test_dir()) > 0; i++)
		usleep(10000);
	CHECK_INT(spooled_files(test_dir()), 0);
	free(body);
	tear_down();
}

/* The server ends while the pool writes. */
TEST(upload_when_the_server_closes)
{
	enum { CLIENTS = 30 };
	struct http_limits limits = http_limits_default();
	struct client clients[CLIENTS];
	char *body = make_body(1000000);

	limits.drain_ms = 1;
	set_up_with(test_dir(), &limits);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_open(server);
		CHECK(client_sends(&clients[i], "PUT /upload HTTP/1.1\r\n" HOST
						"Content-Length: 10000000\r\n\r\n"));
		send(clients[i].fd, body, 1000000, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	CHECK_INT(http_fixture_stop(server), 0);
	CHECK_INT(spooled_files(test_dir()), 0);
	for (int i = 0; i < CLIENTS; i++)
		client_close(&clients[i]);
	client_close(&client);
	free(body);
}

TEST(upload_without_a_folder)
{
	char *spool = xasprintf("%s/spool", test_dir());

	set_up();
	CHECK_INT(rmdir(spool), 0);
	CHECK(send_body("PUT /upload", "hello", 5, 0));
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 500);
	CHECK_STR(answer_code(&answer), "internal");
	CHECK(strstr(answer.body.data, spool) == NULL);
	free(spool);
	tear_down();
}

TEST(expect_continue)
{
	set_up();
	CHECK(client_sends(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
				    "Expect: 100-continue\r\n\r\n"));
	while (strstr(client.in.len > 0 ? client.in.data : "", "\r\n\r\n") == NULL) {
		char *to = buf_reserve(&client.in, 100);
		ssize_t n = recv(client.fd, to, 100, 0);

		if (!CHECK(n > 0))
			break;
		client.in.len += (size_t)n;
		client.in.data[client.in.len] = '\0';
	}
	CHECK_STR(client.in.data, "HTTP/1.1 100 Continue\r\n\r\n");
	CHECK(client_sends(&client, "hello"));
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer.body.data, "hello");
	/* With the body there already it would only cost time. */
	CHECK(client_ask(&client,
			 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
			 "Expect: 100-continue\r\n\r\nhello",
			 &answer));
	CHECK_INT(answer.interim, 0);
	/* Too large, and without a token: told before the body is sent. */
	CHECK(client_ask(&client,
			 "POST /echo-small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n"
			 "Expect: 100-continue\r\n\r\n",
			 &answer));
	CHECK_INT(answer.status, 413);
	CHECK_INT(answer.interim, 0);
	reconnect();
	CHECK(client_ask(&client,
			 "PUT /secret HTTP/1.1\r\n" HOST "Content-Length: 11\r\n"
			 "Expect: 100-continue\r\n\r\n",
			 &answer));
	CHECK_INT(answer.status, 401);
	CHECK_INT(answer.interim, 0);
	tear_down();
}

TEST(authorize_comes_before_the_body)
{
	static const struct {
		const char *header;
		int status;
		const char *code;
	} cases[] = {
		{"", 401, "unauthorized"},
		{"Authorization: Bearer weak\r\n", 403, "forbidden"},
		{"Authorization: Bearer good\r\n", 200, ""},
	};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = xasprintf("GET /secret HTTP/1.1\r\n" HOST "%s\r\n", cases[i].header);

		/* Without a body the connection lives on. */
		CHECK(client_ask(&client, text, &answer));
		CHECK_INT(answer.status, cases[i].status);
		CHECK_STR(answer_code(&answer), cases[i].code);
		free(text);
	}
	CHECK(send_body("PUT /secret", "hello", 5, 0));
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 401);
	CHECK_STR(answer_header(&answer, "WWW-Authenticate"), "Bearer realm=\"prebuildd\"");
	CHECK(client_ended(&client));
	CHECK_INT(spooled_files(test_dir()), 0);
	tear_down();
}

TEST(json_bodies)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"{\"a\":1,\"b\":[]}", 200},
		{"{}", 200},
		{"", 400},
		{"[]", 400},
		{"1", 400},
		{"{\"a\":", 400},
		{"{} x", 400},
	};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(send_body("POST /json", cases[i].body, strlen(cases[i].body), 0));
		CHECK(client_read(&client, false, &answer));
		CHECK_MSG(answer.status == cases[i].status, "%s: %d", cases[i].body, answer.status);
		CHECK_STR(answer_code(&answer), answer.status == 400 ? "invalid" : "");
	}
	tear_down();
}
