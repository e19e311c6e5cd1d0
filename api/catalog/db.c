#include "api/catalog/db.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

static const struct db_ops *const backends[] = {&db_sqlite, &db_postgres};

static bool
is_scheme(const char *scheme, const char *url, const char *colon)
{
	return scheme != NULL && strlen(scheme) == (size_t)(colon - url) &&
	       strncmp(scheme, url, (size_t)(colon - url)) == 0;
}

int
db_open(const char *url, struct db **out, struct err *e)
{
	const char *colon = strchr(url, ':');
	struct db *db;

	for (size_t i = 0; colon != NULL && i < ARRAY_SIZE(backends); i++) {
		if (!is_scheme(backends[i]->scheme, url, colon) &&
		    !is_scheme(backends[i]->alias, url, colon))
			continue;
		db = xcalloc(1, sizeof *db);
		db->ops = backends[i];
		if (db->ops->open(colon + 1, db, e) != 0) {
			free(db);
			return e->code;
		}
		if (db_migrate(db, e) != 0) {
			db_close(db);
			return e->code;
		}
		*out = db;
		return 0;
	}
	return err_set(
		e, ERR_USAGE,
		"no database backend for \"%.*s\"; use sqlite:PATH or postgres://HOST/DATABASE",
		(int)strcspn(url, ":"), url);
}

int
db_claim(struct db *db, struct err *e)
{
	return db->ops->claim != NULL ? db->ops->claim(db, true, e) : 0;
}

int
db_release(struct db *db, struct err *e)
{
	return db->ops->claim != NULL ? db->ops->claim(db, false, e) : 0;
}

/* Whatever is before the last '@' of an URL may be, or have, a password, and so may what is in its query. */
char *
db_shown(const char *url)
{
	const char *host = strstr(url, "://"), *at = strrchr(url, '@');

	if (host == NULL)
		return xstrdup(strncmp(url, "sqlite:", 7) == 0 ? url : "URL");
	if (at == NULL)
		return xstrndup(url, strcspn(url, "?"));
	return xasprintf("%.*s…%.*s", (int)(host + 3 - url), url, (int)strcspn(at, "?"), at);
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db->ops->close(db);
	free(db);
}

int
db_exec(struct db *db, const char *sql, const struct db_value *params, size_t count,
	db_on_row on_row, void *arg, struct err *e)
{
	return db->ops->exec(db, sql, params, count, on_row, arg, e);
}

bool
db_in_transaction(const struct db *db)
{
	return db->ops->in_transaction(db);
}

int64_t
db_changes(const struct db *db)
{
	return db->changes;
}

int64_t
row_int(const struct db_row *row, int column)
{
	return row->ops->row_int(row, column);
}

const char *
row_text(const struct db_row *row, int column)
{
	return row->ops->row_text(row, column);
}
