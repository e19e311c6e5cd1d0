/* What a client gets: texts, files, ranges, streams, interim replies, problems. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
set_up(void)
{
	server = http_fixture_start("127.0.0.1:0", test_dir(), NULL);
	client = client_open(server);
}

static void
tear_down(void)
{
	answer_fini(&answer);
	client_close(&client);
	CHECK(http_fixture_alive(server));
	CHECK_INT(http_fixture_stop(server), 0);
}

/* A request on the kept connection; what came before must not have disturbed it. */
static void
ask(const char *method, const char *target, const char *headers)
{
	char *text = xasprintf("%s %s HTTP/1.1\r\n" HOST "%s\r\n", method, target, headers);

	CHECK_MSG(client_ask(&client, text, &answer), "%s %s %s: no whole answer", method, target,
		  headers);
	free(text);
}

/* A file of the test's folder with bytes that differ from place to place. */
static char *
make_file(const char *name, size_t size)
{
	char *path = xasprintf("%s/%s", test_dir(), name), *data = xmalloc(size);
	uint32_t x = 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (char)(x >> 24);
	}
	CHECK_INT(file_write(path, data, size, 0600, NULL), 0);
	free(path);
	return data;
}

TEST(text_has_the_usual_headers)
{
	set_up();
	ask("GET", "/ok", "");
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer.body.data, "ok\n");
	CHECK_STR(answer_header(&answer, "Content-Type"), "text/plain");
	CHECK_STR(answer_header(&answer, "Content-Length"), "3");
	CHECK_STR(answer_header(&answer, "Server"), "prebuildd");
	CHECK_STR(answer_header(&answer, "Connection"), NULL);
	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
	CHECK(answer_header(&answer, "Date") != NULL &&
	      strlen(answer_header(&answer, "Date")) == 29 &&
	      strstr(answer_header(&answer, "Date"), " GMT") != NULL);
	tear_down();
}

TEST(head_is_get_without_body)
{
	char *data = make_file("f", 1000);

	set_up();
	ask("GET", "/files/f", "");
	CHECK_STR(answer_header(&answer, "Content-Length"), "1000");
	for (int i = 0; i < 2; i++) {
		ask("HEAD", "/files/f", "");
		CHECK_INT(answer.status, 200);
		CHECK_STR(answer_header(&answer, "Content-Length"), "1000");
		CHECK_STR(answer_header(&answer, "ETag"), "\"f\"");
		ask("HEAD", "/ok", "");
		CHECK_STR(answer_header(&answer, "Content-Length"), "3");
		ask("HEAD", "/nosuch", "");
		CHECK_INT(answer.status, 404);
		ask("HEAD", "/stream?n=3&size=10", "");
		CHECK_INT(answer.status, 200);
	}
	ask("GET", "/ok", "");
	CHECK_STR(answer.body.data, "ok\n");
	free(data);
	tear_down();
}

TEST(file_has_the_cache_headers)
{
	char *data = make_file("f", 1000);

	set_up();
	ask("GET", "/files/f", "Accept-Encoding: gzip, deflate\r\n");
	CHECK_INT(answer.status, 200);
	CHECK(answer.body.len == 1000 && memcmp(answer.body.data, data, 1000) == 0);
	CHECK_STR(answer_header(&answer, "ETag"), "\"f\"");
	CHECK_STR(answer_header(&answer, "Cache-Control"), "public, immutable");
	CHECK_STR(answer_header(&answer, "Accept-Ranges"), "bytes");
	CHECK_STR(answer_header(&answer, "X-Test"), "file");
	CHECK_STR(answer_header(&answer, "Content-Encoding"), NULL);
	CHECK_STR(answer_header(&answer, "Transfer-Encoding"), NULL);
	free(data);
	tear_down();
}

TEST(none_match_on_a_kept_connection)
{
	static const struct {
		const char *header;
		int status;
	} cases[] = {
		{"If-None-Match: \"f\"\r\n", 304},
		{"If-None-Match: W/\"f\"\r\n", 304},
		{"If-None-Match: *\r\n", 304},
		{"If-None-Match: \"x\", \"f\"\r\n", 304},
		{"If-None-Match: \"x\"\r\n", 200},
		{"If-None-Match: f\r\n", 200},
		{"If-None-Match: \"f\"\r\nRange: bytes=0-0\r\n", 304},
	};
	char *data = make_file("f", 40000);

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask("GET", "/files/f", cases[i].header);
		CHECK_INT(answer.status, cases[i].status);
		CHECK_STR(answer_header(&answer, "ETag"), "\"f\"");
		CHECK_INT((int64_t)answer.body.len, cases[i].status == 200 ? 40000 : 0);
		CHECK((answer_header(&answer, "Content-Length") == NULL) ==
		      (cases[i].status == 304));
	}
	free(data);
	tear_down();
}

TEST(ranges_of_small_and_large_files)
{
	static const struct {
		const char *headers;
		int status;
		long first; /* negative: from the end */
		long len;   /* 0: to the end */
	} cases[] = {
		{"Range: bytes=0-0\r\n", 206, 0, 1},
		{"Range: bytes=1-3\r\n", 206, 1, 3},
		{"Range: bytes=-7\r\n", 206, -7, 7},
		{"Range: bytes=10-\r\n", 206, 10, 0},
		{"Range: bytes=0-\r\n", 206, 0, 0},
		{"Range: bytes=0-999999999\r\n", 206, 0, 0},
		{"Range: bytes=999999999-\r\n", 416, 0, 0},
		{"Range: bytes=-0\r\n", 416, 0, 0},
		{"Range: bytes=0-1,4-5\r\n", 200, 0, 0},
		{"Range: bytes=x\r\n", 200, 0, 0},
		{"Range: bytes=0-0\r\nIf-Range: \"f\"\r\n", 206, 0, 1},
		{"Range: bytes=0-0\r\nIf-Range: \"x\"\r\n", 200, 0, 0},
		{"Range: bytes=0-0\r\nIf-Range: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 200, 0, 0},
		{"Range: bytes=999999999-\r\nIf-Range: \"x\"\r\n", 200, 0, 0},
	};
	static const size_t sizes[] = {100, 16 * 1024, 16 * 1024 + 1, 3000000};

	set_up();
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		char *data = make_file("f", sizes[k]);
		char want[80];

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			size_t first = cases[i].first < 0 ? sizes[k] - (size_t)-cases[i].first
							  : (size_t)cases[i].first;
			size_t len = cases[i].len > 0 ? (size_t)cases[i].len : sizes[k] - first;

			ask("GET", "/files/f", cases[i].headers);
			CHECK_INT(answer.status, cases[i].status);
			snprintf(want, sizeof want, "bytes %zu-%zu/%zu", first, first + len - 1,
				 sizes[k]);
			if (answer.status == 416) {
				CHECK_STR(answer_code(&answer), "range-not-satisfiable");
				snprintf(want, sizeof want, "bytes */%zu", sizes[k]);
			} else {
				CHECK(answer.body.len == len &&
				      memcmp(answer.body.data, data + first, len) == 0);
			}
			CHECK_STR(answer_header(&answer, "Content-Range"),
				  answer.status == 200 ? NULL : want);
		}
		ask("GET", "/files/f?plain=1", "Range: bytes=0-0\r\n");
		CHECK_INT(answer.status, 200);
		CHECK_STR(answer_header(&answer, "Accept-Ranges"), NULL);
		ask("HEAD", "/files/f", "Range: bytes=0-0\r\n");
		CHECK_INT(answer.status, 200);
		free(data);
	}
	tear_down();
}

TEST(empty_file)
{
	free(make_file("f", 0));
	set_up();
	ask("GET", "/files/f", "");
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Content-Length"), "0");
	ask("GET", "/files/f", "Range: bytes=0-0\r\n");
	CHECK_INT(answer.status, 416);
	tear_down();
}

TEST(large_files_arrive_whole)
{
	enum { CLIENTS = 8, SIZE = 10 * 1000 * 1000 };
	struct client clients[CLIENTS];
	char *data = make_file("f", SIZE);

	set_up();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_open(server);
		CHECK(client_sends(&clients[i], "GET /files/f HTTP/1.1\r\n" HOST "\r\n"));
	}
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(client_read(&clients[i], false, &answer));
		CHECK(answer.body.len == SIZE && memcmp(answer.body.data, data, SIZE) == 0);
		CHECK(client_ask(&clients[i], "GET /ok HTTP/1.1\r\n" HOST "\r\n", &answer));
		client_close(&clients[i]);
	}
	free(data);
	tear_down();
}

/* Pages that were dropped from the page cache, as far as the file system lets us: what is
 * not in memory is read on the pool. */
TEST(file_that_is_not_in_memory)
{
	enum { SIZE = 4 * 1024 * 1024 };
	char *data = make_file("f", SIZE), *path = xasprintf("%s/f", test_dir());
	FILE *f = fopen(path, "r");

	fsync(fileno(f));
	CHECK_INT(posix_fadvise(fileno(f), 0, 0, POSIX_FADV_DONTNEED), 0);
	fclose(f);
	set_up();
	ask("GET", "/files/f", "");
	CHECK(answer.body.len == SIZE && memcmp(answer.body.data, data, SIZE) == 0);
	free(path);
	free(data);
	tear_down();
}

/* A reply that cannot be what was promised must not look complete. */
TEST(file_that_is_shorter_than_promised)
{
	free(make_file("small", 100));
	free(make_file("large", 100000));
	set_up();
	ask("GET", "/files/small?grow=10", "");
	CHECK_INT(answer.status, 500);
	CHECK_STR(answer_code(&answer), "internal");
	CHECK(client_sends(&client, "GET /files/large?grow=10 HTTP/1.1\r\n" HOST "\r\n"));
	CHECK(!client_read(&client, false, &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Content-Length"), "100010");
	tear_down();
}

TEST(large_text)
{
	set_up();
	ask("GET", "/big?n=5000000", "");
	CHECK_INT((int64_t)answer.body.len, 5000000);
	CHECK(strspn(answer.body.data, "b") == 5000000);
	ask("GET", "/ok", "");
	CHECK_STR(answer.body.data, "ok\n");
	tear_down();
}

TEST(no_content)
{
	set_up();
	ask("GET", "/empty", "");
	CHECK_INT(answer.status, 204);
	CHECK_STR(answer_header(&answer, "Content-Length"), NULL);
	ask("POST", "/cancel", "");
	CHECK_INT(answer.status, 202);
	CHECK_STR(answer_header(&answer, "Content-Length"), "0");
	ask("GET", "/ok", "");
	CHECK_INT(answer.status, 200);
	tear_down();
}

TEST(stream_in_chunks)
{
	set_up();
	for (int i = 0; i < 2; i++) {
		ask("GET", "/stream?n=100&size=1000", "");
		CHECK_INT(answer.status, 200);
		CHECK_STR(answer_header(&answer, "Transfer-Encoding"), "chunked");
		CHECK_STR(answer_header(&answer, "Content-Length"), NULL);
		CHECK(answer.delimited);
		CHECK_INT((int64_t)answer.body.len, 100000);
		CHECK(strspn(answer.body.data, "s") == 100000);
	}
	ask("GET", "/stream?n=0&size=1", "");
	CHECK_INT((int64_t)answer.body.len, 0);
	tear_down();
}

TEST(stream_of_http_1_0_ends_with_the_connection)
{
	set_up();
	CHECK(client_ask(&client,
			 "GET /stream?n=10&size=10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			 &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Transfer-Encoding"), NULL);
	CHECK_STR(answer_header(&answer, "Connection"), "close");
	CHECK(!answer.delimited);
	CHECK_INT((int64_t)answer.body.len, 100);
	tear_down();
}

TEST(stream_ends_when_the_client_goes)
{
	set_up();
	CHECK(client_sends(&client, "GET /endless HTTP/1.1\r\n" HOST "\r\n"));
	CHECK(http_fixture_wait(server, COUNT_HELD, 1));
	client_close(&client);
	CHECK(http_fixture_wait(server, COUNT_STREAMS_ENDED, 1));
	CHECK_INT(http_fixture_count(server, COUNT_GONE), 1);
	/* The same for a handler that only looks at what reply_stream_add returns. */
	client = client_open(server);
	CHECK(client_sends(&client, "GET /endless?deaf=1 HTTP/1.1\r\n" HOST "\r\n"));
	CHECK(http_fixture_wait(server, COUNT_HELD, 2));
	client_close(&client);
	CHECK(http_fixture_wait(server, COUNT_STREAMS_ENDED, 2));
	CHECK_INT(http_fixture_count(server, COUNT_GONE), 1);
	tear_down();
}

/* The server does not hold more than a bounded backlog for a client that does not read. */
TEST(stream_ends_when_the_client_does_not_keep_up)
{
	set_up();
	CHECK(client_sends(&client, "GET /endless?size=100000&deaf=1 HTTP/1.1\r\n" HOST "\r\n"));
	CHECK(http_fixture_wait(server, COUNT_STREAMS_ENDED, 1));
	CHECK(client_read(&client, false, &answer));
	CHECK(answer.delimited && answer.body.len > 1000000);
	tear_down();
}

/* What waits for a slow client is sent when it reads on. */
TEST(stream_backlog_is_sent)
{
	set_up();
	CHECK(client_sends(&client, "GET /flood HTTP/1.1\r\n" HOST "\r\n"));
	CHECK(http_fixture_wait(server, COUNT_HELD, 1));
	CHECK(client_read(&client, false, &answer));
	CHECK(answer.delimited && answer.body.len > 1000000);
	CHECK_INT(http_fixture_count(server, COUNT_GONE), 0);
	ask("GET", "/ok", "");
	CHECK_STR(answer.body.data, "ok\n");
	tear_down();
}

TEST(interim_replies)
{
	set_up();
	ask("GET", "/processing?n=3", "");
	CHECK_INT(answer.status, 200);
	CHECK_INT(answer.interim, 3);
	CHECK_STR(answer.body.data, "done\n");
	ask("GET", "/ok", "");
	CHECK_INT(answer.interim, 0);
	CHECK(client_ask(&client, "GET /processing?n=3 HTTP/1.0\r\n\r\n", &answer));
	CHECK_INT(answer.status, 200);
	CHECK_INT(answer.interim, 0);
	tear_down();
}

TEST(handler_sees_the_request)
{
	struct json *v;

	set_up();
	ask("GET", "//show//one%20a/v2%2B3/x/y.z?q=%40s%2Fn&q=2", "X-Test:  some value \r\n");
	CHECK_INT(answer.status, 200);
	v = json_parse(answer.body.data, answer.body.len, NULL);
	CHECK_STR(json_str(v, "method", NULL), "GET");
	CHECK_STR(json_str(v, "path", NULL), "/show/one a/v2+3/x/y.z");
	CHECK_STR(json_str(v, "a", NULL), "one a");
	CHECK_STR(json_str(v, "b", NULL), "2+3");
	CHECK_STR(json_str(v, "c", NULL), "x/y.z");
	CHECK_STR(json_str(v, "q", NULL), "@s/n");
	CHECK_STR(json_str(v, "x", NULL), "some value");
	CHECK_STR(json_str(v, "peer", NULL), "127.0.0.1");
	CHECK(!json_bool(v, "gone", true));
	json_free(v);
	tear_down();
}

TEST(headers_cannot_be_split_or_doubled)
{
	set_up();
	ask("GET", "/headers", "");
	CHECK_INT(answer.status, 404);
	CHECK_STR(answer_header(&answer, "X-Good"), "yes");
	CHECK_STR(answer_header(&answer, "X-Split"), NULL);
	CHECK_STR(answer_header(&answer, "X-Injected"), NULL);
	CHECK_STR(answer_header(&answer, "Content-Encoding"), NULL);
	CHECK_STR(answer_header(&answer, "Cache-Control"), "max-age=5");
	CHECK_STR(answer_code(&answer), "teapot");
	CHECK(strstr(answer.body.data, "\"job\":\"7\"") != NULL);
	tear_down();
}

TEST(errors_become_problems)
{
	static const struct {
		const char *target;
		int status;
		const char *code;
		const char *detail; /* NULL: not the error's own */
	} cases[] = {
		{"/error?code=20004", 404, "not-found", "the message"},
		{"/error?code=20007", 409, "conflict", "the message"},
		{"/error?code=20017", 503, "busy", "the message"},
		{"/error?code=20006", 401, "unauthorized", "the message"},
		/* ENOSPC, then what only the operator should read. */
		{"/error?code=28", 507, "storage-full", NULL},
		{"/error?code=20019", 500, "internal", NULL},
		{"/error?code=5", 500, "system", NULL},
	};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask("GET", cases[i].target, "");
		CHECK_INT(answer.status, cases[i].status);
		CHECK_STR(answer_code(&answer), cases[i].code);
		CHECK((strstr(answer.body.data, "the message") != NULL) ==
		      (cases[i].detail != NULL));
		CHECK_STR(answer_header(&answer, "Cache-Control"), "no-store");
		CHECK((answer_header(&answer, "WWW-Authenticate") != NULL) ==
		      (cases[i].status == 401));
		CHECK_STR(answer_header(&answer, "Connection"), NULL);
	}
	tear_down();
}

TEST(routes_that_are_not_there)
{
	set_up();
	ask("GET", "/nosuch", "");
	CHECK_INT(answer.status, 404);
	CHECK_STR(answer_code(&answer), "not-found");
	ask("GET", "/upload", "");
	CHECK_INT(answer.status, 405);
	CHECK_STR(answer_code(&answer), "method-not-allowed");
	CHECK_STR(answer_header(&answer, "Allow"), "PUT");
	ask("GET", "/ok", "");
	CHECK_INT(answer.status, 200);
	tear_down();
}
