#include "api/catalog/tokens.h"

#include <stdio.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/catalog/page.h"
#include "builder/base/json.h"

#define COLUMNS "id, name, scopes, created, expires, revoked, hash"

struct page {
	struct json *list;
	int64_t now, last;
	int count;
	char *hash; /* NULL, or gets the last one's */
};

static struct json *
scopes_json(const char *scopes)
{
	struct json *list = json_array();

	for (size_t n; *scopes != '\0'; scopes += n + (scopes[n] == ',')) {
		char one[16];

		n = strcspn(scopes, ",");
		snprintf(one, sizeof one, "%.*s", (int)n, scopes);
		json_add_str(list, one);
	}
	return list;
}

static int
on_row(const struct db_row *row, void *arg)
{
	struct page *p = arg;
	struct json *o = json_object();
	int64_t expires = row_int(row, 4), revoked = row_int(row, 5);

	field_id(o, "id", 't', row_int(row, 0));
	json_set_str(o, "name", row_text(row, 1));
	json_set(o, "scopes", scopes_json(row_text(row, 2)));
	json_set_str(o, "state",
		     revoked != 0                        ? "revoked"
		     : expires != 0 && expires <= p->now ? "expired"
							 : "active");
	field_time(o, "created", row_int(row, 3));
	field_time(o, "expires", expires);
	field_time(o, "revoked", revoked);
	json_add(p->list, o);
	p->last = row_int(row, 0);
	p->count++;
	if (p->hash != NULL)
		snprintf(p->hash, DIGEST_HEX_SIZE, "%s", row_text(row, 6));
	return 0;
}

/* The only one of a page, which is freed. */
static struct json *
only(struct page *p)
{
	struct json *o = p->count == 1 ? json_copy(json_first(p->list)) : NULL;

	json_free(p->list);
	return o;
}

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int
tokens_add(struct db *db, const struct token *t, int64_t now, struct json **out, struct err *e)
{
	struct page p = {.list = json_array(), .now = now};
	int64_t live = 0;
	int r = DB_EXEC(db, e, on_int, &live,
			"SELECT count(*) FROM token WHERE revoked IS NULL"
			" AND (expires IS NULL OR expires > ?1)",
			db_int(now));

	if (r == 0 && live >= TOKENS_LIVE_MAX)
		r = err_set(e, ERR_LIMIT, "there are %d tokens, the limit; revoke some",
			    TOKENS_LIVE_MAX);
	if (r == 0)
		r = DB_EXEC(db, e, on_row, &p,
			    "INSERT INTO token (hash, name, scopes, created, expires)"
			    " VALUES (?1, ?2, ?3, ?4, ?5) RETURNING " COLUMNS,
			    db_text(t->hash), db_text(t->name), db_text(t->scopes), db_int(now),
			    t->expires != 0 ? db_int(t->expires) : db_text(NULL));
	*out = only(&p);
	return r;
}

int
tokens_revoke(struct db *db, int64_t id, int64_t now, char hash[DIGEST_HEX_SIZE], struct json **out,
	      struct err *e)
{
	struct page p = {.list = json_array(), .now = now, .hash = hash};
	int r = DB_EXEC(db, e, on_row, &p,
			"UPDATE token SET revoked = coalesce(revoked, ?1) WHERE id = ?2"
			" RETURNING " COLUMNS,
			db_int(now), db_int(id));

	*out = only(&p);
	if (r == 0 && *out == NULL)
		r = err_set(e, ERR_NOT_FOUND, "there is no token t%lld", (long long)id);
	return r;
}

int
tokens_list(struct db *db, int64_t cursor, int limit, int64_t now, struct json **out, struct err *e)
{
	struct page p = {.list = json_array(), .now = now};
	int r = DB_EXEC(db, e, on_row, &p,
			"SELECT " COLUMNS " FROM token WHERE (?1 = 0 OR id < ?1)"
			" ORDER BY id DESC LIMIT ?2",
			db_int(cursor), db_int(limit));

	*out = json_object();
	json_set(*out, "tokens", p.list);
	page_end(*out, p.count, limit, p.last);
	return r;
}

struct each {
	int (*on_token)(const struct token *t, void *arg);
	void *arg;
};

static int
on_live(const struct db_row *row, void *arg)
{
	const struct each *each = arg;
	const struct token t = {.name = row_text(row, 0),
				.hash = row_text(row, 1),
				.scopes = row_text(row, 2),
				.expires = row_int(row, 3)};

	return each->on_token(&t, each->arg);
}

int
tokens_each(struct db *db, int64_t now, int (*on_token)(const struct token *t, void *arg),
	    void *arg, struct err *e)
{
	struct each each = {.on_token = on_token, .arg = arg};

	return DB_EXEC(db, e, on_live, &each,
		       "SELECT name, hash, scopes, expires FROM token WHERE revoked IS NULL"
		       " AND (expires IS NULL OR expires > ?1)",
		       db_int(now));
}
