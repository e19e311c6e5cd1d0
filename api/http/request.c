#include "api/http/request.h"

#include <stdlib.h>
#include <string.h>

#include "api/http/conn.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define IN_SIZE 4096

/* A body larger than this is not kept for the next request. */
#define KEEP_BYTES (64 * 1024)

struct http_request *
http_request_get(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_request *r = s->spare;

	if (r != NULL) {
		s->spare = r->next_spare;
		s->spare_count--;
	} else {
		r = xcalloc(1, sizeof *r);
		r->in = xmalloc(IN_SIZE);
		r->in_cap = IN_SIZE;
		r->parser.fields = xcalloc(s->config.limits.header_count, sizeof *r->parser.fields);
		http_out_init(&r->out);
	}
	r->conn = c;
	r->started = uv_now(s->loop);
	http_parser_init(&r->parser, &s->config.limits, r->parser.fields);
	return r;
}

void
http_request_put(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	http_out_reset(&r->out);
	spool_remove(&r->spool);
	r->body.len = 0;
	if (r->body.cap > KEEP_BYTES)
		buf_fini(&r->body);
	buf_fini(&r->next);
	r->raw.len = 0;
	r->in_len = 0;
	r->in_used = 0;
	r->status = 0;
	r->close_after = false;
	r->on_gone = NULL;
	r->match.route = NULL;
	r->target.path = NULL;
	r->target.query_count = 0;
	if (s->spare_count >= SPARE_MAX || r->in_cap > KEEP_BYTES) {
		http_request_free(r);
		return;
	}
	r->next_spare = s->spare;
	s->spare = r;
	s->spare_count++;
}

void
http_request_free(struct http_request *r)
{
	http_out_fini(&r->out);
	http_match_fini(&r->match);
	buf_fini(&r->body);
	buf_fini(&r->raw);
	free(r->parser.fields);
	free(r->in);
	free(r);
}

const char *
http_route_pattern(const struct http_request *r)
{
	return r->match.route->pattern;
}

const char *
http_method(const struct http_request *r)
{
	return http_method_name(r->parser.head.method);
}

const char *
http_path(const struct http_request *r)
{
	return r->target.path;
}

const char *
http_param(const struct http_request *r, const char *name)
{
	return http_match_param(&r->match, name);
}

const char *
http_query(const struct http_request *r, const char *name)
{
	return http_target_query(&r->target, name);
}

const char *
http_header(const struct http_request *r, const char *name)
{
	return http_parser_field(&r->parser, name);
}

const char *
http_peer(const struct http_request *r)
{
	return r->conn->peer;
}

const char *
http_body(const struct http_request *r, size_t *len)
{
	*len = r->body.len;
	return r->body.len > 0 ? r->body.data : "";
}

struct json *
http_body_json(const struct http_request *r, struct err *e)
{
	size_t len = 0;
	const char *text = http_body(r, &len);
	struct json *v = json_parse(text, len, e);

	if (v == NULL || json_is_object(v))
		return v;
	err_set(e, ERR_INVALID, "the body is not a JSON object");
	json_free(v);
	return NULL;
}

const char *
http_spool(const struct http_request *r, uint64_t *size, struct digest *digest)
{
	*size = r->spool.size;
	*digest = r->spool.digest;
	return r->spool.path;
}

bool
http_gone(const struct http_request *r)
{
	return http_conn_gone(r->conn);
}

void
http_on_gone(struct http_request *r, void (*on_gone)(struct http_request *, void *), void *data)
{
	r->on_gone = on_gone;
	r->gone_data = data;
	/* Never from inside this call: the next sweep tells it. */
	if (on_gone != NULL && http_conn_gone(r->conn))
		http_conn_set_gone(r->conn);
}

bool
http_is_head(const struct http_request *r)
{
	return r->parser.head.method == METHOD_HEAD;
}
