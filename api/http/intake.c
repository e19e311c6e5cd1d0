/* The states in which a connection takes a request in: HEAD, BODY, SPOOL. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "api/http/conn.h"
#include "api/http/reply.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

/* Room beyond the limits of request line and header block for blank lines and line endings. */
#define HEAD_SLACK 16

/* Reads in one turn, so that one upload does not keep the loop from the others. */
#define READS_MAX 16

void
http_intake_refuse(struct http_conn *c, const struct fault *f)
{
	struct http_request *r = c->req;

	c->state = CONN_HANDLE;
	/* Only after a request that was understood is it clear where the next one begins. */
	r->close_after = f->kind != FAULT_NO_ROUTE && f->kind != FAULT_NO_METHOD;
	if (f->kind == FAULT_CONNECTIONS)
		reply_header(r, "Retry-After", "1");
	if (f->kind == FAULT_NO_METHOD) {
		struct buf allow = {0};

		http_match_allow(&r->match, &allow);
		reply_header(r, "Allow", allow.data);
		buf_fini(&allow);
	}
	reply_problem(r, fault_status(f->kind), fault_code(f->kind), NULL, "%s", f->detail);
}

static bool
refuse(struct http_conn *c, enum fault_kind kind, const char *detail)
{
	struct fault f;

	fault_set(&f, kind, "%s", detail);
	http_intake_refuse(c, &f);
	return true;
}

/* The request is complete: it is the handler's. */
static void
handle(struct http_conn *c)
{
	c->state = CONN_HANDLE;
	c->deadline = 0;
	c->req->match.route->handler(c->req, c->server->config.data);
}

static void
take_piece(void *data, const char *piece, size_t len)
{
	struct http_request *r = data;

	if (r->match.route->body == HTTP_BODY_SPOOL)
		buf_add(&r->spool.piece, piece, len);
	else
		buf_add(&r->body, piece, len);
}

static void
set_body_deadline(struct http_conn *c)
{
	const struct http_limits *limits = &c->server->config.limits;
	uint64_t idle = uv_now(c->server->loop) + limits->body_idle_ms;
	uint64_t whole = c->since + limits->body_ms;

	c->deadline = idle < whole ? idle : whole;
}

/* "100 Continue" and the like; what the socket does not take goes out with the reply. */
static void
send_continue(struct http_conn *c)
{
	buf_adds(&c->req->out.head, "HTTP/1.1 100 Continue\r\n\r\n");
	if (http_out_send(&c->req->out, c->fd) == OUT_FAILED)
		http_conn_close(c);
}

static bool
spool_failed(struct http_conn *c, int code)
{
	if (code == -ENOSPC || code == -EDQUOT)
		return refuse(c, FAULT_STORAGE, "the disk for uploads is full");
	log_error("http", "spool %s: %s", c->server->spool_dir, strerror(-code));
	return refuse(c, FAULT_INTERNAL, "the body could not be stored");
}

static bool
begin_body(struct http_conn *c)
{
	struct http_request *r = c->req;
	const struct http_limits *limits = &c->server->config.limits;
	const struct http_route *route = r->match.route;
	uint64_t max = limits->upload;
	struct fault f;
	int code;

	if (route->body != HTTP_BODY_SPOOL)
		max = route->body_limit > 0 ? route->body_limit : limits->body;
	if (r->parser.head.length > max) {
		fault_set(&f, FAULT_BODY_SIZE, "body is larger than %llu bytes (limit %s)",
			  (unsigned long long)max,
			  route->body == HTTP_BODY_SPOOL ? "upload" : "body");
		http_intake_refuse(c, &f);
		return true;
	}
	if (route->body == HTTP_BODY_SPOOL) {
		code = spool_open(&r->spool, c->server->spool_dir);
		if (code != 0)
			return spool_failed(c, code);
	}
	r->parser.body_max = max;
	r->parser.on_body = take_piece;
	r->parser.on_body_data = r;
	r->body_result = http_parser_has_body(&r->parser) ? PARSE_MORE : PARSE_DONE;
	c->state = CONN_BODY;
	c->since = uv_now(c->server->loop);
	set_body_deadline(c);
	if (r->parser.head.expect_continue && r->in_used == r->in_len)
		send_continue(c);
	return true;
}

/* The head is complete: where does the request go, and may it? */
static bool
route(struct http_conn *c)
{
	struct http_request *r = c->req;
	const struct http_config *config = &c->server->config;
	struct http_head *head = &r->parser.head;
	const struct http_route *to;
	enum http_given given;
	struct err e = {0};
	struct fault f;

	if (http_target_parse(&r->target, head->target, head->target_len, &f) != 0) {
		http_intake_refuse(c, &f);
		return true;
	}
	if (!http_router_match(c->server->router, head->method, r->target.path, &r->match)) {
		if (r->match.allow == 0)
			return refuse(c, FAULT_NO_ROUTE, "nothing is at this path");
		return refuse(c, FAULT_NO_METHOD, "this path does not have this method");
	}
	to = r->match.route;
	given = config->given != NULL ? config->given(r, config->data) : HTTP_OURS;
	if (given == HTTP_BUSY)
		return refuse(c, FAULT_CONNECTIONS, "the service is busy; try again");
	if (given == HTTP_GIVEN) {
		/* Nothing has ended, so nothing is counted here. */
		c->state = CONN_IDLE;
		http_conn_close(c);
		return false;
	}
	if (to->body == HTTP_BODY_NONE && http_parser_has_body(&r->parser))
		return refuse(c, FAULT_BODY, "this request takes no body");
	if (to->scope != NULL && config->authorize != NULL &&
	    config->authorize(r, to->scope, config->data, &e) != 0) {
		c->state = CONN_HANDLE;
		reply_err(r, &e);
		return true;
	}
	if (to->body != HTTP_BODY_NONE &&
	    (http_parser_has_body(&r->parser) || to->body == HTTP_BODY_SPOOL))
		return begin_body(c);
	handle(c);
	return true;
}

static void
grow_input(struct http_request *r, const struct http_limits *limits)
{
	size_t max = limits->request_line + limits->header_bytes + HEAD_SLACK;
	size_t cap = r->in_cap * 2;

	if (r->in_len < r->in_cap)
		return;
	if (cap > max && r->in_cap < max)
		cap = max;
	r->in = xrealloc(r->in, cap);
	r->in_cap = cap;
}

bool
http_intake_head(struct http_conn *c)
{
	struct http_request *r = c->req;
	const struct http_limits *limits = &c->server->config.limits;

	if (c->server->config.given != NULL)
		buf_add(&r->raw, r->in + r->raw.len, r->in_len - r->raw.len);
	switch (http_parser_head(&r->parser, r->in, r->in_len, &r->in_used)) {
	case PARSE_MORE:
		grow_input(r, limits);
		return false;
	case PARSE_FAULT:
		http_intake_refuse(c, &r->parser.fault);
		return true;
	case PARSE_DONE:
		break;
	}
	c->deadline = 0;
	c->requests++;
	return route(c);
}

/* What came with the head is parsed here, what came later in read_body. */
bool
http_intake_body(struct http_conn *c)
{
	struct http_request *r = c->req;
	size_t used = 0;

	if (r->body_result == PARSE_MORE && r->in_used < r->in_len) {
		r->body_result = http_parser_body(&r->parser, r->in + r->in_used,
						  r->in_len - r->in_used, &used);
		r->in_used += used;
	}
	if (r->body_result == PARSE_FAULT) {
		http_intake_refuse(c, &r->parser.fault);
		return true;
	}
	if (r->match.route->body == HTTP_BODY_SPOOL) {
		if (r->body_result == PARSE_MORE && r->spool.piece.len < SPOOL_PIECE)
			return false;
		c->deadline = 0;
		http_conn_work(c, CONN_SPOOL);
		return true;
	}
	if (r->body_result == PARSE_MORE)
		return false;
	handle(c);
	return true;
}

bool
http_intake_spooled(struct http_conn *c)
{
	struct http_request *r = c->req;

	if (r->spool.error != 0)
		return spool_failed(c, r->spool.error);
	if (r->body_result == PARSE_DONE) {
		handle(c);
		return true;
	}
	c->state = CONN_BODY;
	set_body_deadline(c);
	return true;
}

static ssize_t
receive(struct http_conn *c, char *to, size_t len)
{
	ssize_t n;

	do
		n = recv(c->fd, to, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -1;
	/* The end of input inside a request is the end of the connection, like a failure. */
	if (n <= 0)
		http_conn_close(c);
	return n > 0 ? n : -1;
}

/* A head is collected in the request's own buffer, because its strings stay there. */
static void
read_head(struct http_conn *c)
{
	struct http_request *r = c->req;
	ssize_t n;

	if (r == NULL)
		r = c->req = http_request_get(c);
	n = receive(c, r->in + r->in_len, r->in_cap - r->in_len);
	if (n < 0) {
		if (c->state == CONN_IDLE) {
			http_request_put(r);
			c->req = NULL;
		}
		return;
	}
	r->in_len += (size_t)n;
	if (c->state == CONN_IDLE) {
		c->state = CONN_HEAD;
		c->deadline = uv_now(c->server->loop) + c->server->config.limits.header_ms;
	}
	http_conn_step(c);
}

void
http_intake_begin(struct http_conn *c, const void *bytes, size_t len)
{
	struct http_request *r;

	if (c->state != CONN_IDLE)
		return;
	r = c->req = http_request_get(c);
	if (r->in_cap < len) {
		r->in = xrealloc(r->in, len);
		r->in_cap = len;
	}
	memcpy(r->in, bytes, len);
	r->in_len = len;
	c->state = CONN_HEAD;
	c->deadline = uv_now(c->server->loop) + c->server->config.limits.header_ms;
	http_conn_step(c);
}

/* A body goes through the server's scratch buffer into memory or towards a file. */
static void
read_body(struct http_conn *c)
{
	struct http_request *r = c->req;
	char *scratch = c->server->scratch;

	for (int i = 0; i < READS_MAX && r->body_result == PARSE_MORE; i++) {
		uint64_t left = r->parser.head.length - r->parser.body_bytes;
		size_t want = SCRATCH_SIZE, used = 0;
		ssize_t n;

		/* With a known length the next request stays in the kernel. */
		if (!r->parser.head.chunked && left < want)
			want = (size_t)left;
		n = receive(c, scratch, want);
		if (n < 0)
			break;
		set_body_deadline(c);
		r->body_result = http_parser_body(&r->parser, scratch, (size_t)n, &used);
		if (r->body_result == PARSE_DONE)
			buf_add(&r->next, scratch + used, (size_t)n - used);
		if ((size_t)n < want || r->spool.piece.len >= SPOOL_PIECE)
			break;
	}
	http_conn_step(c);
}

void
http_intake_readable(struct http_conn *c)
{
	if (c->state == CONN_BODY)
		read_body(c);
	else
		read_head(c);
}
