/*
 * Requests that attack the framing or the patience of the server, one case after the other from
 * tests/data/http_hostile.txt, which also says how a case is written. After each the server must
 * still answer others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define CASES "tests/data/http_hostile.txt"

/* Fewer would mean that the file was not read as it was meant. */
#define CASES_MIN 100

static struct http_limits
small_limits(void)
{
	struct http_limits limits = http_limits_default();

	limits.request_line = 1024;
	limits.header_bytes = 4096;
	limits.header_count = 32;
	limits.body = 4096;
	limits.upload = 65536;
	limits.header_ms = 400;
	limits.body_idle_ms = 400;
	limits.body_ms = 2000;
	limits.idle_ms = 60000;
	limits.write_idle_ms = 400;
	return limits;
}

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* \r \n \t \s (a space) \\ \xHH; false for any other escape. */
static bool
unescape(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		static const char names[] = "rnts\\", bytes[] = "\r\n\t \\";
		const char *name;
		char byte = *text;

		if (byte == '\\' && text[1] == 'x' && hex(text[2]) >= 0 && hex(text[3]) >= 0) {
			byte = (char)(hex(text[2]) * 16 + hex(text[3]));
			text += 3;
		} else if (byte == '\\') {
			name = text[1] != '\0' ? strchr(names, text[1]) : NULL;
			if (name == NULL)
				return false;
			byte = bytes[name - names];
			text++;
		}
		buf_add(out, &byte, 1);
	}
	return true;
}

struct run {
	struct http_fixture *server;
	struct client client;
	struct answer answer;
	char name[80];
	int line;
};

static bool
want_answer(struct run *r, const char *rest)
{
	char code[64] = "-";
	int status = 0;

	if (sscanf(rest, "%d %63s", &status, code) < 1)
		return false;
	client_read(&r->client, false, &r->answer);
	CHECK_MSG(r->answer.status == status, "%s, line %d: status %d, not %d", r->name, r->line,
		  r->answer.status, status);
	if (strcmp(code, "-") != 0)
		CHECK_MSG(strcmp(answer_code(&r->answer), code) == 0,
			  "%s, line %d: code \"%s\", not \"%s\"", r->name, r->line,
			  answer_code(&r->answer), code);
	/* A refusal that leaves the connection open would let the rest be taken for a request. */
	if (status >= 400 && status != 404 && status != 405) {
		const char *connection = answer_header(&r->answer, "Connection");

		CHECK_MSG(connection != NULL && strcmp(connection, "close") == 0,
			  "%s, line %d: the connection stays open", r->name, r->line);
	}
	return true;
}

static bool
send_text(struct run *r, const char *text, int times)
{
	struct buf one = {0}, all = {0};
	bool ok = unescape(text, &one);

	for (int i = 0; ok && i < times; i++)
		buf_add(&all, one.data, one.len);
	/* The server may have answered and closed before it has all: that is not the client's
	 * failure. */
	if (ok && all.len > 0)
		client_send(&r->client, all.data, all.len);
	buf_fini(&one);
	buf_fini(&all);
	return ok;
}

/* One line of a case; false if it is not a command. */
static bool
command(struct run *r, const char *verb, const char *rest)
{
	if (strcmp(verb, "send") == 0)
		return send_text(r, rest, 1);
	if (strcmp(verb, "repeat") == 0) {
		const char *text = strchr(rest, ' ');

		return text != NULL && send_text(r, text + 1, atoi(rest));
	}
	if (strcmp(verb, "want") == 0)
		return want_answer(r, rest);
	if (strcmp(verb, "wants") == 0) {
		const char *one = strchr(rest, ' ');
		bool ok = one != NULL;

		for (int i = atoi(rest); ok && i > 0; i--)
			ok = want_answer(r, one + 1);
		return ok;
	}
	if (strcmp(verb, "body") == 0) {
		struct buf text = {0};
		bool ok = unescape(rest, &text);

		CHECK_MSG(ok && text.len == r->answer.body.len &&
				  memcmp(text.data, r->answer.body.data, text.len) == 0,
			  "%s, line %d: the body is \"%s\"", r->name, r->line, r->answer.body.data);
		buf_fini(&text);
		return ok;
	}
	if (strcmp(verb, "end") == 0) {
		CHECK_MSG(client_ended(&r->client), "%s, line %d: more comes, or no end", r->name,
			  r->line);
		return true;
	}
	if (strcmp(verb, "half-close") == 0)
		return shutdown(r->client.fd, SHUT_WR) == 0;
	if (strcmp(verb, "pause") == 0)
		return usleep((useconds_t)atoi(rest) * 1000) == 0;
	if (strcmp(verb, "leave") == 0) {
		client_close(&r->client);
		return true;
	}
	return false;
}

static void
end_case(struct run *r)
{
	if (r->name[0] == '\0')
		return;
	client_close(&r->client);
	CHECK_MSG(http_fixture_alive(r->server), "%s: the server does not answer any more",
		  r->name);
	r->name[0] = '\0';
}

static int
run_file(struct run *r, char *text)
{
	char *line;
	int cases = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		char *rest = line + strcspn(line, " ");

		r->line++;
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (*rest != '\0')
			*rest++ = '\0';
		if (strcmp(line, "case") == 0) {
			end_case(r);
			snprintf(r->name, sizeof r->name, "%s", rest);
			r->client = client_open(r->server);
			cases++;
		} else {
			CHECK_MSG(r->name[0] != '\0' && command(r, line, rest),
				  CASES ":%d: not understood", r->line);
		}
	}
	end_case(r);
	return cases;
}

TEST(hostile_requests)
{
	struct http_limits limits = small_limits();
	struct buf text = {0};
	struct run r = {0};
	int cases;

	CHECK_INT(file_read(CASES, 1000000, &text, NULL), 0);
	CHECK_INT(file_write(test_path("f"), "0123456789", 10, 0600, NULL), 0);
	r.server = http_fixture_start("127.0.0.1:0", test_dir(), &limits);
	cases = run_file(&r, text.data);
	printf("# %d cases\n", cases);
	CHECK(cases >= CASES_MIN);
	answer_fini(&r.answer);
	buf_fini(&text);
	CHECK_INT(http_fixture_stop(r.server), 0);
}
