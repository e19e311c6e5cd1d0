#include "api/http/head.h"

#include <string.h>
#include <strings.h>

#include "api/http/conn.h"
#include "api/http/status.h"

static void
add_number(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_add(b, digits + at, sizeof digits - at);
}

static bool
ends_connection(const struct http_request *r)
{
	const struct http_server *s = r->conn->server;

	/* What was not read of a body would be taken for the next request. */
	return r->close_after || r->parser.state != PARSER_DONE || !r->parser.head.keep_alive ||
	       s->state != SERVER_OPEN || r->conn->requests >= s->config.limits.pipeline;
}

void
http_head_begin(struct http_request *r, int status)
{
	struct buf *b = &r->out.head;
	const char *stamp;
	size_t len = 0;

	r->status = (unsigned)status;
	r->close_after = ends_connection(r);
	stamp = http_server_stamp(r->conn->server, &len);
	buf_adds(b, "HTTP/1.1 ");
	add_number(b, (uint64_t)status);
	buf_add(b, " ", 1);
	buf_adds(b, http_status_reason(status));
	buf_add(b, "\r\n", 2);
	buf_add(b, stamp, len);
}

void
http_head_line(struct http_request *r, const char *name, const char *value)
{
	struct buf *b = &r->out.head;

	buf_adds(b, name);
	buf_add(b, ": ", 2);
	buf_adds(b, value);
	buf_add(b, "\r\n", 2);
}

void
http_head_length(struct http_request *r, uint64_t length)
{
	struct buf *b = &r->out.head;

	buf_adds(b, "Content-Length: ");
	add_number(b, length);
	buf_add(b, "\r\n", 2);
}

void
http_head_end(struct http_request *r)
{
	struct buf *b = &r->out.head;

	buf_add(b, r->out.extra.data, r->out.extra.len);
	if (r->close_after)
		buf_adds(b, "Connection: close\r\n");
	else if (r->parser.head.minor == 0)
		buf_adds(b, "Connection: keep-alive\r\n");
	buf_add(b, "\r\n", 2);
}

bool
http_head_has(const struct http_request *r, const char *name)
{
	const struct buf *lines = &r->out.extra;
	size_t len = strlen(name);

	for (size_t at = 0; at < lines->len;) {
		const char *line = lines->data + at, *end;

		if (lines->len - at > len && strncasecmp(line, name, len) == 0 && line[len] == ':')
			return true;
		end = memchr(line, '\n', lines->len - at);
		at = (size_t)(end - lines->data) + 1;
	}
	return false;
}
