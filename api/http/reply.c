#include "api/http/reply.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/http/conn.h"
#include "api/http/head.h"
#include "api/http/range.h"
#include "api/http/status.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

/* A stream's client may be this much behind. */
#define STREAM_PENDING_MAX (1024 * 1024)

/* Bytes already sent are dropped from the front of a stream's buffer once they are this many. */
#define STREAM_DROP (64 * 1024)

#define DETAIL_SIZE 1024

static bool
is_own_header(const char *name)
{
	static const char *const own[] = {
		"connection", "content-encoding", "content-length",
		"date",       "server",           "transfer-encoding",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcasecmp(name, own[i]) == 0)
			return true;
	return false;
}

void
reply_header(struct http_request *r, const char *name, const char *value)
{
	for (const char *s = value; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return;
	if (is_own_header(name))
		return;
	buf_adds(&r->out.extra, name);
	buf_add(&r->out.extra, ": ", 2);
	buf_adds(&r->out.extra, value);
	buf_add(&r->out.extra, "\r\n", 2);
}

/* The beginning of each reply: exactly one for a request that a handler owns. */
static void
begin(struct http_request *r, int status)
{
	assert(r->conn->state == CONN_HANDLE && r->status == 0);
	http_head_begin(r, status);
}

static void
submit(struct http_request *r)
{
	http_head_end(r);
	if (http_is_head(r))
		r->out.body.len = 0;
	http_conn_write(r->conn);
}

void
reply_text(struct http_request *r, int status, const char *type, const char *text, size_t len)
{
	begin(r, status);
	http_head_line(r, "Content-Type", type);
	http_head_length(r, len);
	buf_add(&r->out.body, text, len);
	submit(r);
}

/* Takes text over. */
static void
reply_owned(struct http_request *r, int status, const char *type, char *text)
{
	size_t len = strlen(text);

	begin(r, status);
	http_head_line(r, "Content-Type", type);
	http_head_length(r, len);
	buf_fini(&r->out.body);
	r->out.body = (struct buf){.data = text, .len = len, .cap = len + 1};
	submit(r);
}

void
reply_json(struct http_request *r, int status, struct json *v)
{
	char *text = json_text(v);

	json_free(v);
	reply_owned(r, status, "application/json", text);
}

void
reply_empty(struct http_request *r, int status)
{
	begin(r, status);
	/* RFC 9110, section 8.6: not with 1xx and 204; with 304 it would mean the file. */
	if (status != 204 && status != 304)
		http_head_length(r, 0);
	submit(r);
}

static void
send_problem(struct http_request *r, int status, const char *code, struct json *more,
	     const char *detail)
{
	struct json *v = json_object();
	char *text;

	json_set_int(v, "status", status);
	json_set_str(v, "title", http_status_reason(status));
	json_set_str(v, "detail", detail);
	json_set_str(v, "code", code);
	json_foreach (m, more)
		json_set(v, json_name(m), json_copy(m));
	json_free(more);
	text = json_text(v);
	json_free(v);
	/* A cache in front must not keep "not found" for what is about to be built. */
	if (!http_head_has(r, "Cache-Control"))
		reply_header(r, "Cache-Control", "no-store");
	if (status == 401 && !http_head_has(r, "WWW-Authenticate"))
		reply_header(r, "WWW-Authenticate", "Bearer realm=\"prebuildd\"");
	reply_owned(r, status, "application/problem+json", text);
}

void
reply_problem(struct http_request *r, int status, const char *code, struct json *more,
	      const char *fmt, ...)
{
	char detail[DETAIL_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	send_problem(r, status, code, more, detail);
}

void
reply_err(struct http_request *r, const struct err *e)
{
	int status = err_http(e->code);

	if (status == 507) {
		send_problem(r, status, "storage-full", NULL, "the server's disk is full");
		return;
	}
	if (status != 500) {
		send_problem(r, status, err_name(e->code), NULL, e->msg);
		return;
	}
	/* Paths and system errors are for the operator. */
	log_error("http", "%s %s: %s", http_method(r), http_path(r), e->msg);
	send_problem(r, status, err_name(e->code), NULL, "internal error; the server's log has it");
}

/* 206 with Content-Range, 416, or 200. Returns the status; sets what part of the file goes out. */
static int
choose_range(struct http_request *r, const struct reply_file *f)
{
	const char *range = http_header(r, "range"), *condition = http_header(r, "if-range");
	uint64_t first = 0, len = f->size;

	r->out.at = 0;
	r->out.left = f->size;
	if (range == NULL || f->no_range || r->parser.head.method != METHOD_GET ||
	    (condition != NULL && !http_etag_same(condition, f->etag)))
		return 200;
	switch (http_range_parse(range, f->size, &first, &len)) {
	case RANGE_ALL:
		break;
	case RANGE_OUTSIDE:
		r->out.left = 0;
		return 416;
	case RANGE_PART:
		r->out.at = first;
		r->out.left = len;
		return 206;
	}
	return 200;
}

/* A small file goes out of memory, with its header; false if it cannot be read as promised. */
static bool
read_small(struct http_request *r)
{
	struct http_out *o = &r->out;
	char *to = buf_reserve(&o->body, (size_t)o->left);
	ssize_t n = pread(o->fd, to, (size_t)o->left, (off_t)o->at);

	if (n < 0 || (uint64_t)n != o->left)
		return false;
	o->body.len = (size_t)n;
	o->left = 0;
	return true;
}

static void
file_head(struct http_request *r, const struct reply_file *f, int status)
{
	char text[96];

	begin(r, status);
	if (status == 200 || status == 206) {
		http_head_line(r, "Content-Type", f->type);
		http_head_length(r, r->out.body.len + r->out.left);
	}
	if (f->etag != NULL) {
		snprintf(text, sizeof text, "\"%.80s\"", f->etag);
		http_head_line(r, "ETag", text);
	}
	if (f->cache_control != NULL)
		http_head_line(r, "Cache-Control", f->cache_control);
	if (!f->no_range && status == 200)
		http_head_line(r, "Accept-Ranges", "bytes");
}

void
reply_file(struct http_request *r, const struct reply_file *f)
{
	uint64_t first;
	char text[96];
	int status;

	r->out.fd = f->fd;
	if (http_etag_listed(http_header(r, "if-none-match"), f->etag)) {
		file_head(r, f, 304);
		submit(r);
		return;
	}
	status = choose_range(r, f);
	if (status == 416) {
		snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)f->size);
		reply_header(r, "Content-Range", text);
		send_problem(r, status, "range-not-satisfiable", NULL,
			     "the file does not have these bytes");
		return;
	}
	first = r->out.at;
	if (http_is_head(r)) {
		file_head(r, f, status);
		r->out.left = 0;
		submit(r);
		return;
	}
	if (r->out.left > 0 && r->out.left <= OUT_SMALL_FILE && !read_small(r)) {
		r->out.left = 0;
		log_error("http", "%s: the file is shorter than its size", http_path(r));
		send_problem(r, 500, "internal", NULL, "the file could not be read");
		return;
	}
	file_head(r, f, status);
	if (status == 206) {
		uint64_t last = first + r->out.body.len + r->out.left - 1;

		snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)first,
			 (unsigned long long)last, (unsigned long long)f->size);
		http_head_line(r, "Content-Range", text);
	}
	submit(r);
}

/* HTTP/1.0 has no chunks: there the end of the connection ends the body. */
static bool
is_chunked(const struct http_request *r)
{
	return r->parser.head.minor > 0;
}

void
reply_stream_begin(struct http_request *r, int status, const char *type)
{
	if (!is_chunked(r))
		r->close_after = true;
	begin(r, status);
	http_head_line(r, "Content-Type", type);
	if (is_chunked(r))
		http_head_line(r, "Transfer-Encoding", "chunked");
	http_head_end(r);
	r->conn->state = CONN_STREAM;
	http_conn_step(r->conn);
}

bool
reply_stream_add(struct http_request *r, const void *data, size_t len)
{
	struct http_conn *c = r->conn;

	assert(c->state == CONN_STREAM);
	if (http_conn_gone(c) || http_is_head(r) || c->server->state != SERVER_OPEN ||
	    http_out_pending(&r->out) + len > STREAM_PENDING_MAX)
		return false;
	if (len == 0)
		return true;
	if (r->out.body_sent >= STREAM_DROP) {
		buf_drop(&r->out.body, r->out.body_sent);
		r->out.body_sent = 0;
	}
	if (is_chunked(r))
		buf_addf(&r->out.body, "%zx\r\n", len);
	buf_add(&r->out.body, data, len);
	if (is_chunked(r))
		buf_add(&r->out.body, "\r\n", 2);
	http_conn_step(c);
	return !http_conn_gone(c);
}

size_t
reply_stream_pending(const struct http_request *r)
{
	return http_out_pending(&r->out);
}

void
reply_stream_end(struct http_request *r)
{
	assert(r->conn->state == CONN_STREAM);
	if (is_chunked(r) && !http_is_head(r))
		buf_adds(&r->out.body, "0\r\n\r\n");
	http_conn_write(r->conn);
}

bool
reply_processing(struct http_request *r)
{
	struct http_conn *c = r->conn;

	assert(c->state == CONN_HANDLE);
	if (r->parser.head.minor == 0 || http_conn_gone(c) || http_out_pending(&r->out) > 0)
		return false;
	buf_adds(&r->out.head, "HTTP/1.1 102 Processing\r\n\r\n");
	if (http_out_send(&r->out, c->fd) == OUT_FAILED)
		http_conn_set_gone(c);
	return true;
}
