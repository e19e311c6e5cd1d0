#include "api/catalog/artifacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/catalog.h"
#include "api/catalog/page.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/publish/documents.h"
#include "api/routes/content.h"
#include "api/routes/service.h"
#include "builder/base/mem.h"
#include "builder/model/target.h"

/* Strings of the query; they live as long as the request, which the query precedes. */
static int
list_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return artifacts_list(db, arg, out, e);
}

void
route_artifact_list(struct http_request *r, void *data)
{
	struct artifact_filter *f = xcalloc(1, sizeof *f);
	const char *target = http_query(r, "target");
	const struct target *t = target != NULL ? target_find(target) : NULL;

	f->package = http_query(r, "package");
	f->version = http_query(r, "version");
	f->abi = http_query(r, "abi");
	f->target = t != NULL ? t->triple : target;
	if (service_page(r, PAGE_MAX, &f->cursor, &f->limit))
		service_reply_query(data, r, list_query, f);
	else
		free(f);
}

static int
get_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return artifacts_json(db, arg, out, e);
}

static int
report_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	return artifacts_report(db, arg, out, e);
}

/* The digest in the path as 64 hex digits; 404 and NULL if it is none. */
static char *
digest_param(struct http_request *r)
{
	const char *text = http_param(r, "sha256");
	struct digest d;

	if (digest_parse(text, &d) != 0) {
		reply_problem(r, 404, "not-found", NULL,
			      "\"%.80s\" is no SHA-256 in lower-case hex", text);
		return NULL;
	}
	return xstrdup(strncmp(text, "sha256:", 7) == 0 ? text + 7 : text);
}

void
route_artifact_get(struct http_request *r, void *data)
{
	char *hex = digest_param(r);

	if (hex != NULL)
		service_reply_query(data, r, get_query, hex);
}

void
route_artifact_report(struct http_request *r, void *data)
{
	char *hex = digest_param(r);

	if (hex != NULL)
		service_reply_query(data, r, report_query, hex);
}

static void
reply_blob(struct service *s, struct http_request *r, const char *type)
{
	char *hex = digest_param(r);

	if (hex != NULL)
		content_reply(s, r, hex, type);
	free(hex);
}

void
route_artifact_file(struct http_request *r, void *data)
{
	reply_blob(data, r, "application/octet-stream");
}

struct provenance_query {
	struct service *service;
	struct http_request *request;
	char *artifact;
	char document[DIGEST_HEX_SIZE];
};

static int
provenance_work(struct db *db, void *arg, struct err *e)
{
	struct provenance_query *q = arg;

	return artifacts_document(db, q->artifact, DOCUMENT_PROVENANCE, q->document, e);
}

static void
provenance_done(int r, void *arg, const struct err *e)
{
	struct provenance_query *q = arg;

	if (r != 0)
		reply_err(q->request, e);
	else
		content_reply(q->service, q->request, q->document, "application/json");
	free(q->artifact);
	free(q);
}

void
route_artifact_provenance(struct http_request *r, void *data)
{
	struct service *s = data;
	char *hex = digest_param(r);
	struct provenance_query *q;

	if (hex == NULL)
		return;
	q = xcalloc(1, sizeof *q);
	*q = (struct provenance_query){.service = s, .request = r, .artifact = hex};
	catalog_submit(s->catalog, provenance_work, provenance_done, q);
}

void
route_source_get(struct http_request *r, void *data)
{
	reply_blob(data, r, "application/gzip");
}
