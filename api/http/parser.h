/*
 * parser.h - one request of HTTP/1.0 or 1.1 (RFC 9110, RFC 9112): its head, then its body. The
 * framing is llhttp's; what it leaves open is decided here, strictly. No I/O. Internal to
 * api/http.
 *
 *   http_parser_init ─► http_parser_head … until PARSE_DONE ─► http_parser_body … until PARSE_DONE
 *
 * The head must lie in one buffer that does not move from PARSE_DONE until the request is over:
 * its strings are cut out of it in place. The body may come in any pieces.
 */
#ifndef API_HTTP_PARSER_H
#define API_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http/fault.h"
#include "api/http/method.h"
#include "api/http/scan.h"

struct http_limits;

/* Strings in the head's buffer; the name in lower case. */
struct http_field {
	char *name;
	char *value;
	size_t name_len;
	size_t value_len;
};

struct http_head {
	enum http_method method; /* METHOD_OTHER until the request line was read */
	char *target;            /* NUL-terminated, raw */
	size_t target_len;
	int minor; /* HTTP/1.minor */
	bool keep_alive;
	bool chunked;
	bool expect_continue;
	uint64_t length; /* Content-Length; 0 without one */
	size_t field_count;
};

enum parser_state { PARSER_HEAD, PARSER_BODY, PARSER_TRAILER, PARSER_DONE };

enum parse_result { PARSE_MORE, PARSE_DONE, PARSE_FAULT };

struct http_parser {
	const struct http_limits *limits;
	struct http_field *fields; /* the caller's, limits->header_count of them */
	enum parser_state state;
	struct scan scan;
	size_t scanned;   /* bytes of the head's buffer */
	size_t target_at; /* where the target begins in the request line */
	struct http_head head;
	struct fault fault; /* set with PARSE_FAULT */

	/* The body; on_body may be NULL. */
	uint64_t body_max;
	uint64_t body_bytes; /* of content */
	uint64_t wire_bytes; /* with the chunks' framing */
	void (*on_body)(void *data, const char *piece, size_t len);
	void *on_body_data;

	_Alignas(16) unsigned char llhttp[128];
};

/* Ready for a new request. limits and fields must outlive p. */
void http_parser_init(struct http_parser *p, const struct http_limits *limits,
		      struct http_field *fields);

/* buf holds all bytes received since the request began; may be called again with more of them.
 * PARSE_DONE: the head is buf[0..*used) and p->head is valid. */
enum parse_result http_parser_head(struct http_parser *p, char *buf, size_t len, size_t *used);

/* Whether a body follows; if not, the request is complete with its head. */
bool http_parser_has_body(const struct http_parser *p);

/* The next len bytes after the head; body_max and on_body were set before the first call.
 * PARSE_DONE: the body ended after *used of them. */
enum parse_result
http_parser_body(struct http_parser *p, const char *data, size_t len, size_t *used);

/* A header's value by lower-case name, the first of several; NULL if it is not there. */
const char *http_parser_field(const struct http_parser *p, const char *name);

#endif
