/*
 * http_fuzz.c - libFuzzer harness for everything that reads a client's bytes: header scan, parser,
 * target, router, ranges and entity tags. The first byte of the input is the size of the pieces in
 * which the rest arrives. The same bytes are read twice, in pieces and at once: a server that
 * takes them for different requests would be one that can be smuggled past.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/limits.h"
#include "api/http/parser.h"
#include "api/http/range.h"
#include "api/http/router.h"
#include "api/http/target.h"
#include "builder/base/buf.h"
#include "builder/base/mem.h"

#define REQUESTS_MAX 20
#define FIELDS_MAX   20
#define BODY_MAX     4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_route routes[] = {
	{.method = "GET", .pattern = "/prebuilds/@{scope}/{name}/v{version}/{file}"},
	{.method = "GET", .pattern = "/prebuilds/{package}/v{version}/{file}"},
	{.method = "PUT", .pattern = "/{path*}"},
	{.method = "DELETE", .pattern = "/v1/builds/{id}.json"},
};

/* The limit on the framing of chunks was met: what was seen before depends on the pieces. */
static bool flooded;

static void
take_piece(void *data, const char *piece, size_t len)
{
	buf_add(data, piece, len);
}

static void
must(int ok)
{
	if (!ok)
		abort();
}

static void
check_path(const struct http_target *t)
{
	must(t->path[0] == '/' && strlen(t->path) == t->path_len);
	must(strstr(t->path, "//") == NULL);
	for (const char *s = t->path; (s = strchr(s, '/')) != NULL;) {
		s++;
		must(strncmp(s, "../", 3) != 0 && strcmp(s, "..") != 0);
		must(strncmp(s, "./", 2) != 0 && strcmp(s, ".") != 0);
	}
}

/* Writes down what a handler would see. */
static void
use(struct http_parser *p, const struct http_router *router, struct buf *seen)
{
	struct http_target t = {0};
	struct http_match m = {0};
	struct fault f = {0};
	uint64_t first = 0, len = 0;

	for (size_t i = 0; i < p->head.field_count; i++) {
		const char *value = p->fields[i].value;

		must(strlen(p->fields[i].name) == p->fields[i].name_len);
		must(strlen(value) == p->fields[i].value_len);
		must(http_parser_field(p, p->fields[i].name) != NULL);
		buf_addf(seen, "%s=%s\n", p->fields[i].name, value);
		if (http_range_parse(value, 1000, &first, &len) == RANGE_PART)
			must(len > 0 && first < 1000 && len <= 1000 - first);
		http_etag_listed(value, "abc");
		http_etag_same(value, "abc");
	}
	if (http_target_parse(&t, p->head.target, p->head.target_len, &f) != 0) {
		buf_addf(seen, "%s %s\n", fault_code(f.kind), f.detail);
		return;
	}
	check_path(&t);
	buf_addf(seen, "%s %s\n", http_method_name(p->head.method), t.path);
	for (size_t i = 0; i < t.query_count; i++) {
		must(http_target_query(&t, t.query[i].name) != NULL);
		buf_addf(seen, "?%s=%s\n", t.query[i].name, t.query[i].value);
	}
	if (http_router_match(router, p->head.method, t.path, &m)) {
		const char *file = http_match_param(&m, "file");

		buf_addf(seen, "%s %s\n", m.route->pattern, file != NULL ? file : "");
		must(file == NULL || (file[0] != '\0' && strchr(file, '/') == NULL));
	} else {
		http_match_allow(&m, seen);
	}
	http_match_fini(&m);
}

/* One request out of data[0..size); how many bytes it took, or 0 if there is no further one. */
static size_t
read_request(const struct http_limits *limits, const struct http_router *router,
	     const uint8_t *data, size_t size, size_t step, struct buf *seen)
{
	struct http_field fields[FIELDS_MAX];
	char *head = xmalloc(size);
	struct buf body = {0};
	struct http_parser p;
	enum parse_result r = PARSE_MORE;
	size_t have = 0, used = 0, at;

	http_parser_init(&p, limits, fields);
	while (r == PARSE_MORE && have < size) {
		size_t n = size - have < step ? size - have : step;

		memcpy(head + have, data + have, n);
		have += n;
		r = http_parser_head(&p, head, have, &used);
	}
	at = r == PARSE_DONE ? used : 0;
	if (r == PARSE_DONE) {
		buf_addf(seen, "%d %d %llu %d %d\n", p.head.minor, p.head.chunked,
			 (unsigned long long)p.head.length, p.head.keep_alive,
			 p.head.expect_continue);
		use(&p, router, seen);
	}
	if (r == PARSE_DONE && http_parser_has_body(&p)) {
		p.body_max = BODY_MAX;
		p.on_body = take_piece;
		p.on_body_data = &body;
		r = p.head.length <= BODY_MAX ? PARSE_MORE : PARSE_FAULT;
		while (r == PARSE_MORE && at < size) {
			r = http_parser_body(&p, (const char *)data + at,
					     size - at < step ? size - at : step, &used);
			at += used;
		}
		must(body.len == p.body_bytes && body.len <= BODY_MAX);
		must(r != PARSE_DONE || p.head.chunked || body.len == p.head.length);
	}
	/* This limit is looked at after each piece. */
	if (r == PARSE_FAULT && strstr(p.fault.detail, "outweigh") != NULL)
		flooded = true;
	/* How far a bad body was read depends on the pieces; what a good one was does not. */
	if (r == PARSE_DONE)
		buf_add(seen, body.data, body.len);
	buf_addf(seen, "result %d\n", (int)r);
	buf_fini(&body);
	free(head);
	return r == PARSE_DONE ? at : 0;
}

static void
read_all(const struct http_router *router, const uint8_t *data, size_t size, size_t step,
	 struct buf *seen)
{
	struct http_limits limits = http_limits_default();

	limits.request_line = 512;
	limits.header_bytes = 2048;
	limits.header_count = FIELDS_MAX;
	for (int i = 0; i < REQUESTS_MAX && size > 0; i++) {
		size_t n = read_request(&limits, router, data, size, step, seen);

		if (n == 0)
			break;
		data += n;
		size -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_router *router;
	struct buf whole = {0}, pieces = {0};

	if (size < 2)
		return 0;
	flooded = false;
	if (router == NULL && http_router_open(routes, ARRAY_SIZE(routes), &router, NULL) != 0)
		abort();
	read_all(router, data + 1, size - 1, size, &whole);
	read_all(router, data + 1, size - 1, 1 + data[0] % 64u, &pieces);
	must(flooded || whole.len == pieces.len);
	must(flooded || memcmp(whole.data, pieces.data, whole.len) == 0);
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
