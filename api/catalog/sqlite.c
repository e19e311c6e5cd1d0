/*
 * sqlite.c - the embedded backend: SQLite in WAL mode, synchronous=FULL, so that what was
 * answered survives a power cut; group commit (catalog.c) pays for it.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "builder/base/mem.h"

#define STATEMENTS_MAX 256

struct sqlite {
	sqlite3 *handle;
	/* Statements stay prepared; the literal's address is the key. */
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} cache[STATEMENTS_MAX];
	size_t cached;
};

static int
failed(struct sqlite *s, const char *what, struct err *e)
{
	int code = sqlite3_errcode(s->handle);

	if (code == SQLITE_FULL)
		return err_set(e, -ENOSPC, "%s: the catalog's disk is full", what);
	if (code == SQLITE_BUSY)
		return err_set(e, ERR_BUSY, "%s: the catalog is busy; try again", what);
	if (code == SQLITE_CONSTRAINT)
		return err_set(e, ERR_CONFLICT, "%s: %s", what, sqlite3_errmsg(s->handle));
	return err_set(e, code == SQLITE_IOERR ? -EIO : ERR_INTERNAL, "%s: %s", what,
		       sqlite3_errmsg(s->handle));
}

static void
sqlite_close(struct db *db)
{
	struct sqlite *s = db->backend;

	for (size_t i = 0; i < s->cached; i++)
		sqlite3_finalize(s->cache[i].stmt);
	sqlite3_close(s->handle);
	free(s);
}

static int
sqlite_open(const char *location, struct db *db, struct err *e)
{
	static const char pragmas[] =
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		"PRAGMA busy_timeout=10000; PRAGMA wal_autocheckpoint=1000;";
	struct sqlite *s = xcalloc(1, sizeof *s);

	db->backend = s;
	if (sqlite3_open_v2(location, &s->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    sqlite3_exec(s->handle, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
		int r = failed(s, location, e);

		sqlite_close(db);
		return r;
	}
	return 0;
}

static int
prepared(struct sqlite *s, const char *sql, sqlite3_stmt **out, struct err *e)
{
	for (size_t i = 0; i < s->cached; i++) {
		if (s->cache[i].sql == sql) {
			*out = s->cache[i].stmt;
			return 0;
		}
	}
	if (s->cached == STATEMENTS_MAX)
		return err_set(e, ERR_INTERNAL, "more than %d statements", STATEMENTS_MAX);
	if (sqlite3_prepare_v3(s->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) !=
	    SQLITE_OK)
		return failed(s, "prepare", e);
	s->cache[s->cached].sql = sql;
	s->cache[s->cached++].stmt = *out;
	return 0;
}

static int
sqlite_exec(struct db *db, const char *sql, const struct db_value *params, size_t count,
	    db_on_row on_row, void *arg, struct err *e)
{
	struct sqlite *s = db->backend;
	struct db_row row = {.ops = db->ops};
	sqlite3_stmt *stmt;
	int step, r = prepared(s, sql, &stmt, e);

	if (r != 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		int at = (int)i + 1;

		if (params[i].type == DB_INT)
			sqlite3_bind_int64(stmt, at, params[i].number);
		else if (params[i].type == DB_TEXT)
			sqlite3_bind_text(stmt, at, params[i].text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_null(stmt, at);
	}
	row.backend = stmt;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		if (on_row != NULL && (r = on_row(&row, arg)) != 0)
			break;
	if (r == 0 && step != SQLITE_DONE)
		r = failed(s, "catalog", e);
	db->changes = sqlite3_changes64(s->handle);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return r;
}

static bool
sqlite_in_transaction(const struct db *db)
{
	const struct sqlite *s = db->backend;

	return sqlite3_get_autocommit(s->handle) == 0;
}

static int64_t
sqlite_row_int(const struct db_row *row, int column)
{
	return sqlite3_column_int64(row->backend, column);
}

static const char *
sqlite_row_text(const struct db_row *row, int column)
{
	return (const char *)sqlite3_column_text(row->backend, column);
}

const struct db_ops db_sqlite = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.exec = sqlite_exec,
	.in_transaction = sqlite_in_transaction,
	.row_int = sqlite_row_int,
	.row_text = sqlite_row_text,
};
