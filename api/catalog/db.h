/*
 * db.h - a SQL database behind an ops table, chosen once by its URL.
 *
 * Statements are written once, in the dialect that SQLite and PostgreSQL share (?1 … ?N for
 * parameters, ON CONFLICT, RETURNING); a backend translates what it must. All functions block and
 * belong to the one thread that opened the database.
 */
#ifndef API_CATALOG_DB_H
#define API_CATALOG_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

#define DB_PARAMS_MAX 40

struct db;
struct db_row;

/* A parameter; text is not copied and must live until db_exec returns. */
struct db_value {
	enum { DB_NULL, DB_INT, DB_TEXT } type;
	int64_t number;
	const char *text;
};

static inline struct db_value
db_int(int64_t n)
{
	return (struct db_value){.type = DB_INT, .number = n};
}

/* NULL gives SQL NULL. */
static inline struct db_value
db_text(const char *s)
{
	return (struct db_value){.type = s != NULL ? DB_TEXT : DB_NULL, .text = s};
}

/* Called for each row; a non-zero return ends the statement and is returned by db_exec. */
typedef int (*db_on_row)(const struct db_row *row, void *arg);

struct db_ops {
	const char *scheme, *alias; /* "postgres", "postgresql"; alias may be NULL */
	int (*open)(const char *location, struct db *db, struct err *e);
	void (*close)(struct db *db);
	/* See db_claim; NULL if who has the file has it alone. */
	int (*claim)(struct db *db, bool claimed, struct err *e);
	int (*exec)(struct db *db, const char *sql, const struct db_value *params, size_t count,
		    db_on_row on_row, void *arg, struct err *e);
	/* Whether a transaction is open: an error such as a full disk may have ended it. */
	bool (*in_transaction)(const struct db *db);
	int64_t (*row_int)(const struct db_row *row, int column);
	const char *(*row_text)(const struct db_row *row, int column);
};

/* Opens "sqlite:PATH" or "postgres://[USER@]HOST[:PORT]/DATABASE[?…]" (libpq's URLs, and its variables PGPASSWORD …)
 * and brings the schema up to date. ERR_USAGE for an unknown scheme; ERR_BUSY if a server does not answer. */
int db_open(const char *url, struct db **out, struct err *e);

/* Only one service at a time may use a database: this one from now on, until db_release or db_close. ERR_BUSY if another does. */
int db_claim(struct db *db, struct err *e);
int db_release(struct db *db, struct err *e);

/* The URL without a password, for messages. The caller frees it. */
char *db_shown(const char *url);
void db_close(struct db *db);

/* One statement. sql must be a string literal: it is the key under which it is kept prepared.
 * A database that is full gives -ENOSPC; one that is away or busy ERR_BUSY. */
int db_exec(struct db *db, const char *sql, const struct db_value *params, size_t count,
	    db_on_row on_row, void *arg, struct err *e);

bool db_in_transaction(const struct db *db);

/* Rows that the last statement changed. */
int64_t db_changes(const struct db *db);

/* NULL columns give 0 and NULL. Text lives until the callback returns. */
int64_t row_int(const struct db_row *row, int column);
const char *row_text(const struct db_row *row, int column);

/* The backend's part of struct db and struct db_row. */
struct db {
	const struct db_ops *ops;
	void *backend;
	int64_t changes;
};
struct db_row {
	const struct db_ops *ops;
	void *backend;
};

#define DB_EXEC(db, e, on_row, arg, sql, ...)                                                     \
	db_exec(db, sql, (const struct db_value[]){__VA_ARGS__},                                  \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), on_row, \
		arg, e)

extern const struct db_ops db_sqlite, db_postgres;

/* Runs the numbered migrations that are missing, each in a transaction. */
int db_migrate(struct db *db, struct err *e);

#endif
