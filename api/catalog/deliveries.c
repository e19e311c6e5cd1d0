#include "api/catalog/deliveries.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/catalog/jobs.h"
#include "api/catalog/page.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

int
deliveries_configure(struct db *db, const char *const *urls, size_t count, int64_t now,
		     struct err *e)
{
	int r = db_exec(db, "DELETE FROM webhook", NULL, 0, NULL, NULL, e);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = DB_EXEC(db, e, NULL, NULL,
			    "INSERT INTO webhook (url) VALUES (?1) ON CONFLICT DO NOTHING",
			    db_text(urls[i]));
	if (r == 0)
		r = DB_EXEC(db, e, NULL, NULL,
			    "UPDATE delivery SET state = 'failed', finished = ?1,"
			    " error = 'this URL is not configured any more'"
			    " WHERE state = 'pending' AND url NOT IN (SELECT url FROM webhook)",
			    db_int(now));
	return r;
}

int
deliveries_add(struct db *db, int64_t build, int64_t now, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "INSERT INTO delivery (build, url, state, due, created)"
		       " SELECT ?1, url, 'pending', ?2, ?2 FROM webhook",
		       db_int(build), db_int(now));
}

struct claimed {
	struct delivery *delivery;
	int64_t build;
};

static int
on_claimed(const struct db_row *row, void *arg)
{
	struct claimed *c = arg;

	c->delivery->id = row_int(row, 0);
	c->build = row_int(row, 1);
	c->delivery->url = xstrdup(row_text(row, 2));
	c->delivery->attempt = row_int(row, 3);
	return 0;
}

static char *
make_body(int64_t id, struct json *build)
{
	struct json *o = json_object();
	char *text;

	json_set_str(o, "event", "build.finished");
	field_id(o, "delivery", 'd', id);
	json_set(o, "build", build);
	text = json_text(o);
	json_free(o);
	return text;
}

int
deliveries_claim(struct db *db, const char *busy, int64_t now, struct delivery *out, struct err *e)
{
	struct claimed c = {.delivery = out};
	struct json *build = NULL;
	int r;

	*out = (struct delivery){0};
	r = DB_EXEC(db, e, on_claimed, &c,
		    "UPDATE delivery SET attempts = attempts + 1, due = ?1 WHERE id = ("
		    "SELECT id FROM delivery WHERE state = 'pending' AND due <= ?2 AND url <> ?3"
		    " ORDER BY due, id LIMIT 1) RETURNING id, build, url, attempts",
		    db_int(now + DELIVERY_CLAIM_MS), db_int(now), db_text(busy));
	if (r != 0 || out->id == 0)
		return r;
	r = jobs_build_json(db, c.build, &build, NULL);
	if (r == 0) {
		out->body = make_body(out->id, build);
		return 0;
	}
	/* A build that was removed meanwhile is of no interest to anybody. */
	r = r == ERR_NOT_FOUND ? DB_EXEC(db, e, NULL, NULL, "DELETE FROM delivery WHERE id = ?1",
					 db_int(out->id))
			       : err_set(e, r, "build b%lld cannot be read", (long long)c.build);
	json_free(build);
	delivery_fini(out);
	return r;
}

void
delivery_fini(struct delivery *d)
{
	free(d->url);
	free(d->body);
	*d = (struct delivery){0};
}

static int
on_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int
deliveries_tried(struct db *db, int64_t id, int status, const char *error, int64_t now,
		 struct err *e)
{
	struct db_value answer = status != 0 ? db_int(status) : db_text(NULL);
	const char *state = "pending";
	int64_t attempts = 0, pause = 0;
	int r = DB_EXEC(db, e, on_int, &attempts, "SELECT attempts FROM delivery WHERE id = ?1",
			db_int(id));

	if (error == NULL)
		state = "delivered";
	else if (attempts >= DELIVERY_ATTEMPTS_MAX)
		state = "failed";
	else if (attempts > 0)
		pause = (int64_t)DELIVERY_PAUSE_MS << (attempts - 1);
	return r != 0 ? r
		      : DB_EXEC(db, e, NULL, NULL,
				"UPDATE delivery SET state = ?1, status = ?2, error = ?3, due = ?4,"
				" finished = ?5 WHERE id = ?6 AND state = 'pending'",
				db_text(state), answer, db_text(error), db_int(now + pause),
				pause == 0 ? db_int(now) : db_text(NULL), db_int(id));
}

int
deliveries_release(struct db *db, int64_t id, int64_t now, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL,
		       "UPDATE delivery SET attempts = attempts - 1, due = ?1 WHERE id = ?2",
		       db_int(now), db_int(id));
}

struct page {
	struct json *list;
	int64_t last;
	int count;
};

static int
on_listed(const struct db_row *row, void *arg)
{
	struct page *p = arg;
	struct json *o = json_object();
	bool pending = strcmp(row_text(row, 3), "pending") == 0;

	field_id(o, "id", 'd', row_int(row, 0));
	field_id(o, "build", 'b', row_int(row, 1));
	json_set_str(o, "url", row_text(row, 2));
	json_set_str(o, "state", row_text(row, 3));
	json_set_int(o, "attempts", row_int(row, 4));
	if (row_int(row, 5) != 0)
		json_set_int(o, "status", row_int(row, 5));
	else
		json_set_str(o, "status", NULL);
	json_set_str(o, "error", row_text(row, 6));
	field_time(o, "due", pending ? row_int(row, 7) : 0);
	field_time(o, "created", row_int(row, 8));
	field_time(o, "finished", row_int(row, 9));
	json_add(p->list, o);
	p->last = row_int(row, 0);
	p->count++;
	return 0;
}

int
deliveries_list(struct db *db, const char *state, int64_t cursor, int limit, struct json **out,
		struct err *e)
{
	struct page p = {.list = json_array()};
	int r = DB_EXEC(db, e, on_listed, &p,
			"SELECT id, build, url, state, attempts, status, error, due, created,"
			" finished FROM delivery WHERE (?1 = 0 OR id < ?1)"
			" AND (?2 IS NULL OR state = ?2) ORDER BY id DESC LIMIT ?3",
			db_int(cursor), db_text(state), db_int(limit));

	*out = json_object();
	json_set(*out, "deliveries", p.list);
	page_end(*out, p.count, limit, p.last);
	return r;
}

static int
on_count(const struct db_row *row, void *arg)
{
	json_set_int(arg, row_text(row, 0), row_int(row, 1));
	return 0;
}

int
deliveries_counts(struct db *db, struct json **out, struct err *e)
{
	*out = json_object();
	return db_exec(db, "SELECT state, count(*) FROM delivery GROUP BY state", NULL, 0, on_count,
		       *out, e);
}

int
deliveries_prune(struct db *db, int64_t now, struct err *e)
{
	return DB_EXEC(db, e, NULL, NULL, "DELETE FROM delivery WHERE finished < ?1",
		       db_int(now - DELIVERY_AGE_MS));
}
