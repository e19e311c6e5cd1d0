#include <stdlib.h>
#include <string.h>

#include "api/http/limits.h"
#include "api/http/parser.h"
#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static struct http_limits limits;
static struct http_field fields[100];

static void
take_piece(void *data, const char *piece, size_t len)
{
	buf_add(data, piece, len);
}

/* Head and body in pieces of `step` bytes; the body goes to out. What is left after the message
 * is counted in *rest. */
static enum parse_result
parse(struct http_parser *p, struct buf *in, const char *text, size_t step, struct buf *out,
      size_t *rest)
{
	size_t len = strlen(text), have = 0, used = 0, at;
	enum parse_result r = PARSE_MORE;

	http_parser_init(p, &limits, fields);
	/* One allocation, as the head must not move after it is complete. */
	buf_reserve(in, len);
	while (r == PARSE_MORE && have < len) {
		size_t n = len - have < step ? len - have : step;

		buf_add(in, text + have, n);
		have += n;
		r = http_parser_head(p, in->data, in->len, &used);
	}
	if (r != PARSE_DONE)
		return r;
	*rest = len - used;
	if (!http_parser_has_body(p))
		return r;
	p->body_max = 1000000;
	p->on_body = take_piece;
	p->on_body_data = out;
	r = PARSE_MORE;
	for (at = used; r == PARSE_MORE && at < len; at += used) {
		size_t n = len - at < step ? len - at : step;

		r = http_parser_body(p, text + at, n, &used);
	}
	*rest = len - at;
	return r;
}

TEST(parser_takes_requests_in_any_pieces)
{
	static const struct {
		const char *text;
		const char *body;
		size_t rest;
	} cases[] = {
		{"GET /a?b=c HTTP/1.1\r\nEmpty:\r\nHost: h\r\nE: \r\nX-Test:  v \t\r\nF:\r\n\r\n",
		 "", 0},
		{"\r\nGET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Test: v\r\n\r\nGET /", "", 5},
		{"PUT /a?b=c HTTP/1.1\r\nHost:h\r\nx-tesT:v\r\nContent-Length: 5\r\n\r\nhelloXX",
		 "hello", 2},
		{"PUT /a?b=c HTTP/1.1\r\nHost: h\r\nX-Test: v\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\nXY",
		 "hello world", 2},
		{"PUT /a?b=c HTTP/1.1\r\nHost: h\r\nX-Test: v\r\nTransfer-Encoding: "
		 "Chunked\r\n\r\n0A\r\n0123456789\r\n000\r\nTrailer: x\r\nOther: y\r\n\r\n",
		 "0123456789", 0},
		{"POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-Test: v\r\nContent-Length: 0\r\n\r\n", "",
		 0},
	};

	limits = http_limits_default();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t step = 1; step < 200; step = step < 10 ? step + 1 : step * 3) {
			struct buf in = {0}, body = {0};
			struct http_parser p;
			size_t rest = 0;
			enum parse_result r = parse(&p, &in, cases[i].text, step, &body, &rest);

			buf_add(&body, "", 0);
			CHECK_MSG(r == PARSE_DONE, "case %zu, step %zu: %s", i, step,
				  p.fault.detail);
			CHECK_STR(body.data, cases[i].body);
			/* What came in the same piece is not the message's, either. */
			CHECK_INT((int64_t)rest, (int64_t)cases[i].rest);
			CHECK_STR(p.head.target, "/a?b=c");
			CHECK_STR(http_parser_field(&p, "host"), "h");
			CHECK_STR(http_parser_field(&p, "x-test"), "v");
			CHECK_STR(http_parser_field(&p, "nosuch"), NULL);
			CHECK(p.head.keep_alive);
			buf_fini(&in);
			buf_fini(&body);
		}
	}
}

TEST(parser_knows_when_a_connection_is_kept)
{
	static const struct {
		const char *text;
		bool kept;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, CLOSE\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
		{"PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
		 false},
	};

	limits = http_limits_default();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf in = {0}, body = {0};
		struct http_parser p;
		size_t rest = 0;

		CHECK_INT(parse(&p, &in, cases[i].text, 1000, &body, &rest), PARSE_DONE);
		CHECK_MSG(p.head.keep_alive == cases[i].kept, "case %zu", i);
		buf_fini(&in);
		buf_fini(&body);
	}
}

TEST(parser_keeps_limits_while_bytes_arrive)
{
	static const struct {
		const char *before; /* then 'a' until it ends */
		const char *code;
		size_t bytes; /* it must end before this many */
	} cases[] = {
		{"GET /", "request-line-too-long", 120},
		{"", "request-line-too-long", 120},
		{"GET / HTTP/1.1\r\nHost: ", "header-too-large", 240},
		{"GET / HTTP/1.1\r\na", "header-too-large", 240},
	};

	limits = http_limits_default();
	limits.request_line = 100;
	limits.header_bytes = 200;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf in = {0};
		struct http_parser p;
		enum parse_result r = PARSE_MORE;
		size_t used = 0;

		http_parser_init(&p, &limits, fields);
		buf_adds(&in, cases[i].before);
		while (r == PARSE_MORE && in.len < 1000) {
			buf_adds(&in, "a");
			r = http_parser_head(&p, in.data, in.len, &used);
		}
		CHECK_INT(r, PARSE_FAULT);
		CHECK_STR(fault_code(p.fault.kind), cases[i].code);
		CHECK_MSG(in.len < cases[i].bytes, "case %zu: %zu bytes", i, in.len);
		buf_fini(&in);
	}
}

TEST(parser_counts_header_fields)
{
	for (size_t count = 3; count <= 6; count++) {
		struct buf in = {0}, body = {0};
		struct http_parser p;
		size_t rest = 0;

		limits = http_limits_default();
		limits.header_count = 5;
		buf_adds(&in, "GET / HTTP/1.1\r\nHost: h\r\n");
		for (size_t i = 1; i < count; i++)
			buf_adds(&in, "A: b\r\n");
		buf_adds(&in, "\r\n");
		char *text = buf_take(&in);
		CHECK_INT(parse(&p, &in, text, 7, &body, &rest),
			  count <= 5 ? PARSE_DONE : PARSE_FAULT);
		CHECK(count <= 5 || strstr(p.fault.detail, "limit header_count") != NULL);
		free(text);
		buf_fini(&in);
		buf_fini(&body);
	}
}
