#include "api/routes/service.h"

#include <stdlib.h>
#include <string.h>

#include "api/catalog/catalog.h"
#include "api/catalog/page.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/content.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

#define LEASE_BODY_MAX (64u << 10)
#define LOG_BODY_MAX   (1u << 20)

const struct http_route service_routes[] = {
	{"GET", "/", HTTP_BODY_NONE, 0, NULL, route_page},
	{"GET", "/page.css", HTTP_BODY_NONE, 0, NULL, route_page_style},
	{"GET", "/page.js", HTTP_BODY_NONE, 0, NULL, route_page_script},
	{"GET", "/healthz", HTTP_BODY_NONE, 0, NULL, route_health},
	{"GET", "/readyz", HTTP_BODY_NONE, 0, NULL, route_ready},
	{"GET", "/metrics", HTTP_BODY_NONE, 0, "read", route_metrics},
	{"GET", "/openapi.json", HTTP_BODY_NONE, 0, NULL, route_openapi},
	{"GET", "/v1/targets", HTTP_BODY_NONE, 0, "read", route_targets},
	{"POST", "/v1/builds", HTTP_BODY_BUF, 0, "build", route_build_create},
	{"GET", "/v1/builds", HTTP_BODY_NONE, 0, "read", route_build_list},
	{"GET", "/v1/builds/{id}", HTTP_BODY_NONE, 0, "read", route_build_get},
	{"DELETE", "/v1/builds/{id}", HTTP_BODY_NONE, 0, "build", route_build_cancel},
	{"GET", "/v1/builds/{id}/events", HTTP_BODY_NONE, 0, "read", route_build_events},
	{"GET", "/v1/jobs/{id}", HTTP_BODY_NONE, 0, "read", route_job_get},
	{"GET", "/v1/jobs/{id}/log", HTTP_BODY_NONE, 0, "read", route_job_log},
	{"GET", "/v1/artifacts", HTTP_BODY_NONE, 0, "read", route_artifact_list},
	{"GET", "/v1/artifacts/{sha256}", HTTP_BODY_NONE, 0, "read", route_artifact_get},
	{"GET", "/v1/artifacts/{sha256}/file", HTTP_BODY_NONE, 0, "read", route_artifact_file},
	{"GET", "/v1/artifacts/{sha256}/report", HTTP_BODY_NONE, 0, "read", route_artifact_report},
	{"GET", "/v1/artifacts/{sha256}/provenance", HTTP_BODY_NONE, 0, "read",
	 route_artifact_provenance},
	{"GET", "/v1/key", HTTP_BODY_NONE, 0, NULL, route_key},
	{"GET", "/v1/matrix", HTTP_BODY_NONE, 0, "read", route_matrix},
	{"POST", "/v1/gc", HTTP_BODY_BUF, 0, "admin", route_gc_start},
	{"GET", "/v1/gc", HTTP_BODY_NONE, 0, "admin", route_gc_get},
	{"POST", "/v1/tokens", HTTP_BODY_BUF, 0, "admin", route_token_create},
	{"GET", "/v1/tokens", HTTP_BODY_NONE, 0, "admin", route_token_list},
	{"DELETE", "/v1/tokens/{id}", HTTP_BODY_NONE, 0, "admin", route_token_revoke},
	{"GET", "/v1/webhooks/deliveries", HTTP_BODY_NONE, 0, "admin", route_deliveries},
	{"POST", "/v1/check", HTTP_BODY_SPOOL, 0, "read", route_check},
	{"PUT", "/v1/sources", HTTP_BODY_SPOOL, 0, "build", route_source_put},
	{"PUT", "/v1/publish/{path*}", HTTP_BODY_SPOOL, 0, "publish", route_publish},
	{"GET", "/dist/index.json", HTTP_BODY_NONE, 0, "read", route_dist_index},
	{"GET", "/dist/{version}/{file}", HTTP_BODY_NONE, 0, "read", route_dist_file},
	{"GET", "/npm/{path*}", HTTP_BODY_NONE, 0, "read", route_npm},
	{"GET", "/prebuilds/{path*}", HTTP_BODY_NONE, 0, "read", route_prebuild},
	{"POST", "/v1/worker/lease", HTTP_BODY_BUF, LEASE_BODY_MAX, "worker", route_lease},
	{"POST", "/v1/worker/jobs/{id}/heartbeat", HTTP_BODY_BUF, LEASE_BODY_MAX, "worker",
	 route_heartbeat},
	{"POST", "/v1/worker/jobs/{id}/log", HTTP_BODY_BUF, LOG_BODY_MAX, "worker",
	 route_worker_log},
	{"PUT", "/v1/worker/jobs/{id}/upload", HTTP_BODY_SPOOL, 0, "worker", route_upload},
	{"POST", "/v1/worker/jobs/{id}/result", HTTP_BODY_BUF, LOG_BODY_MAX, "worker",
	 route_result},
	{"GET", "/v1/worker/sources/{sha256}", HTTP_BODY_NONE, 0, "worker", route_source_get},
};
const size_t service_route_count = ARRAY_SIZE(service_routes);

struct query {
	struct http_request *request;
	service_query run;
	void *arg;
	struct json *out;
};

static int
query_work(struct db *db, void *arg, struct err *e)
{
	struct query *q = arg;

	return q->run(db, q->arg, &q->out, e);
}

static void
query_done(int r, void *arg, const struct err *e)
{
	struct query *q = arg;

	if (r != 0) {
		json_free(q->out);
		reply_err(q->request, e);
	} else {
		reply_json(q->request, 200, q->out);
	}
	free(q->arg);
	free(q);
}

void
service_reply_query(struct service *s, struct http_request *r, service_query run, void *arg)
{
	struct query *q = xcalloc(1, sizeof *q);

	*q = (struct query){.request = r, .run = run, .arg = arg};
	catalog_submit(s->catalog, query_work, query_done, q);
}

int64_t
service_id(struct http_request *r, const char *param, char prefix)
{
	const char *text = http_param(r, param);
	char *end = NULL;
	long long id = 0;

	if (text[0] == prefix && text[1] >= '1' && text[1] <= '9' && strlen(text) < 18)
		id = strtoll(text + 1, &end, 10);
	if (id <= 0 || *end != '\0') {
		reply_problem(r, 404, "not-found", NULL, "\"%s\" is no id; ids look like %c17",
			      text, prefix);
		return 0;
	}
	return id;
}

bool
service_limit(struct http_request *r, int usual, int *limit)
{
	const char *text = http_query(r, "limit");
	char *end = NULL;
	long n = text != NULL ? strtol(text, &end, 10) : usual;

	*limit = (int)n;
	if (text == NULL || (end != text && *end == '\0' && n >= 1 && n <= PAGE_MAX))
		return true;
	reply_problem(r, 400, "invalid", NULL, "limit: a number from 1 to %d is needed", PAGE_MAX);
	return false;
}

bool
service_page(struct http_request *r, int usual, int64_t *cursor, int *limit)
{
	const char *text = http_query(r, "cursor");
	char *end = NULL;

	*cursor = 0;
	if (text != NULL && text[0] >= '1' && text[0] <= '9' && strlen(text) < 18)
		*cursor = strtoll(text, &end, 10);
	if (text == NULL || (end != NULL && *end == '\0'))
		return service_limit(r, usual, limit);
	reply_problem(r, 400, "invalid", NULL,
		      "cursor: \"%.40s\" is none; take it from the page before", text);
	return false;
}

void
service_queue_changed(struct service *s)
{
	leases_retry(s);
}

void
service_job_ended(struct service *s)
{
	misses_retry(s);
	leases_retry(s);
}

void
service_tick(struct service *s)
{
	leases_retry(s);
	creates_retry(s);
	leases_end(s, false);
	misses_end(s, false);
	followers_tick(s, false);
	event_streams_tick(s, false);
}

void
service_end_waits(struct service *s)
{
	s->closing = true;
	creates_retry(s);
	leases_end(s, true);
	misses_end(s, true);
	followers_tick(s, true);
	event_streams_tick(s, true);
	content_end_waits(s);
	gc_end(s);
}
