/*
 * matrix.h - what there is of a package: for each version, ABI and target that somebody asked for,
 * whether it is published, why not, and what ran it before it was.
 *
 * All functions run on the catalog's thread inside its transaction.
 */
#ifndef API_CATALOG_MATRIX_H
#define API_CATALOG_MATRIX_H

#include "builder/base/err.h"

struct db;
struct json;

struct matrix_filter {
	const char *package, *version; /* version NULL: all */
	const char *after;             /* cursor: only versions behind it, in the order of text */
	int limit;                     /* of versions */
};

/* The object of GET /v1/matrix; ERR_NOT_FOUND if nothing of the package was ever asked for. */
int matrix_json(struct db *db, const struct matrix_filter *f, struct json **out, struct err *e);

#endif
