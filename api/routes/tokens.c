/*
 * tokens.c - POST, GET /v1/tokens and DELETE /v1/tokens/{id}: who may do what here, said by an
 * administrator. A token works from the answer that shows it until the answer that revokes it, or until
 * it expires.
 */
#include <stdlib.h>
#include <string.h>

#include "api/catalog/catalog.h"
#include "api/catalog/tokens.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/grants.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define LIST_USUAL     50
#define NAME_BYTES_MAX 100
#define EXPIRES_MAX    INT64_C(315360000) /* seconds: 10 years */

/* ---- a new one ---- */

struct creation {
	struct service *service;
	struct http_request *request;
	struct json *body, *out;
	char token[GRANT_TOKEN_SIZE], hash[DIGEST_HEX_SIZE], scopes[SCOPES_TEXT_SIZE];
	unsigned bits;
	struct token row;
	int64_t now;
};

static void
creation_end(struct creation *c, int r, const struct err *e)
{
	if (r != 0) {
		json_free(c->out);
		reply_err(c->request, e);
	} else {
		grants_add(c->service->grants, c->hash, c->bits, c->row.expires);
		log_info("token", "made %s scopes=%s", json_str(c->out, "id", ""), c->scopes);
		json_set_str(c->out, "token", c->token);
		json_set_bool(c->out, "asked_for", c->service->tokens);
		reply_header(c->request, "Cache-Control", "no-store");
		reply_json(c->request, 201, c->out);
	}
	json_free(c->body);
	free(c);
}

static int
create_work(struct db *db, void *arg, struct err *e)
{
	struct creation *c = arg;

	return tokens_add(db, &c->row, c->now, &c->out, e);
}

static void
created(int r, void *arg, const struct err *e)
{
	creation_end(arg, r, e);
}

static int
read_scopes(struct creation *c, struct err *e)
{
	const struct json *list = json_get(c->body, "scopes");

	if (!json_is_array(list))
		return err_set(e, ERR_INVALID, "scopes: a list is needed, such as [\"build\"]");
	json_foreach (one, list) {
		unsigned bit = 0;

		if (scopes_parse(json_string(one, ""), &bit, e) != 0)
			return err_context(e, "scopes");
		c->bits |= bit;
	}
	if (c->bits == 0)
		return err_set(e, ERR_INVALID, "scopes: at least one is needed");
	scopes_text(c->bits, c->scopes);
	return 0;
}

static int
read_body(struct creation *c, struct err *e)
{
	static const char *const known[] = {"scopes", "name", "expires_in"};
	const struct json *expires;
	const char *other;
	int64_t seconds;

	c->body = http_body_json(c->request, e);
	if (c->body == NULL)
		return e->code;
	other = json_other(c->body, known, ARRAY_SIZE(known));
	if (other != NULL)
		return err_set(e, ERR_INVALID, "unknown field \"%.40s\"", other);
	if (read_scopes(c, e) != 0)
		return e->code;
	c->row.name = json_str(c->body, "name", "");
	if (strlen(c->row.name) > NAME_BYTES_MAX)
		return err_set(e, ERR_INVALID, "name: at most %d bytes", NAME_BYTES_MAX);
	expires = json_get(c->body, "expires_in");
	seconds = json_number(expires, 0);
	if (expires != NULL && !json_is_null(expires) && (seconds < 1 || seconds > EXPIRES_MAX))
		return err_set(e, ERR_INVALID, "expires_in: seconds from 1 to %lld are needed",
			       (long long)EXPIRES_MAX);
	c->row.expires = seconds != 0 ? c->now + seconds * 1000 : 0;
	return 0;
}

void
route_token_create(struct http_request *r, void *data)
{
	struct creation *c = xcalloc(1, sizeof *c);
	struct err e = {0};

	c->service = data;
	c->request = r;
	c->now = clock_wall_ms();
	if (read_body(c, &e) != 0) {
		creation_end(c, e.code, &e);
		return;
	}
	grant_token(c->token);
	grant_hash(c->token, c->hash);
	c->row.hash = c->hash;
	c->row.scopes = c->scopes;
	catalog_submit(c->service->catalog, create_work, created, c);
}

/* ---- the list ---- */

struct list {
	int64_t cursor;
	int limit;
};

static int
list_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct list *l = arg;

	return tokens_list(db, l->cursor, l->limit, clock_wall_ms(), out, e);
}

void
route_token_list(struct http_request *r, void *data)
{
	struct list *l = xcalloc(1, sizeof *l);

	if (service_page(r, LIST_USUAL, &l->cursor, &l->limit))
		service_reply_query(data, r, list_query, l);
	else
		free(l);
}

/* ---- the end of one ---- */

struct revocation {
	struct service *service;
	struct http_request *request;
	struct json *out;
	int64_t id;
	char hash[DIGEST_HEX_SIZE];
};

static int
revoke_work(struct db *db, void *arg, struct err *e)
{
	struct revocation *v = arg;

	return tokens_revoke(db, v->id, clock_wall_ms(), v->hash, &v->out, e);
}

static void
revoked(int r, void *arg, const struct err *e)
{
	struct revocation *v = arg;

	if (r != 0) {
		json_free(v->out);
		reply_err(v->request, e);
	} else {
		grants_remove(v->service->grants, v->hash);
		log_info("token", "revoked t%lld", (long long)v->id);
		reply_json(v->request, 200, v->out);
	}
	free(v);
}

void
route_token_revoke(struct http_request *r, void *data)
{
	struct revocation *v;
	int64_t id = service_id(r, "id", 't');

	if (id == 0)
		return;
	v = xcalloc(1, sizeof *v);
	*v = (struct revocation){.service = data, .request = r, .id = id};
	catalog_submit(v->service->catalog, revoke_work, revoked, v);
}
