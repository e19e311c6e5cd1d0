/*
 * matrix.c - GET /v1/matrix?package=P: what there is of a package, and why not more.
 */
#include "api/catalog/matrix.h"

#include <stdlib.h>

#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "builder/base/mem.h"

/* A version has up to 24 targets for each of its ABIs. */
#define LIST_USUAL 20

/* The strings live as long as the request, which the query precedes. */
static int
matrix_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return matrix_json(db, arg, out, e);
}

void
route_matrix(struct http_request *r, void *data)
{
	struct matrix_filter *f = xcalloc(1, sizeof *f);
	const char *after = http_query(r, "cursor");

	f->package = http_query(r, "package");
	f->version = http_query(r, "version");
	f->after = after;
	if (f->package == NULL || !package_name_valid(f->package))
		reply_problem(r, 400, "invalid", NULL,
			      "package: the name of an npm package is needed");
	else if ((f->version != NULL && !package_version_valid(f->version)) ||
		 (after != NULL && !package_version_valid(after)))
		reply_problem(r, 400, "invalid", NULL,
			      "version, cursor: an exact version such as 6.0.1 is needed");
	else if (service_limit(r, LIST_USUAL, &f->limit)) {
		service_reply_query(data, r, matrix_query, f);
		return;
	}
	free(f);
}
