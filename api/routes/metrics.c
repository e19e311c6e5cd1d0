/*
 * metrics.c - GET /metrics: Prometheus's text format, version 0.0.4. Jobs are counted in the catalog
 * and survive a restart; requests are counted here and begin at 0.
 */
#include <stdlib.h>
#include <string.h>

#include "api/catalog/catalog.h"
#include "api/catalog/deliveries.h"
#include "api/catalog/jobs.h"
#include "api/catalog/tally.h"
#include "api/http/reply.h"
#include "api/routes/service.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/version.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Pairs of route and status. There are about 40 routes, and few statuses for each. */
#define PAIRS_MAX 1024

struct requests {
	struct {
		const char *route; /* the pattern in the table of routes, or "none" */
		int status;
		uint64_t n;
	} pairs[PAIRS_MAX];
	size_t count;
	uint64_t bytes;
};

static void
count(struct service *s, const char *route, int status, uint64_t n, uint64_t bytes)
{
	struct requests *q;
	size_t i = 0;

	if (s->requests == NULL)
		s->requests = xcalloc(1, sizeof *s->requests);
	q = s->requests;
	q->bytes += bytes;
	if (n == 0)
		return;
	while (i < q->count && (q->pairs[i].status != status || q->pairs[i].route != route) &&
	       (q->pairs[i].status != status || strcmp(q->pairs[i].route, route) != 0))
		i++;
	if (i == PAIRS_MAX)
		return;
	if (i == q->count) {
		q->pairs[i].route = route;
		q->pairs[i].status = status;
		q->pairs[i].n = 0;
		q->count++;
	}
	q->pairs[i].n += n;
}

void
metrics_count(const char *method, const char *route, int status, uint64_t bytes, uint64_t ms,
	      void *data)
{
	(void)method;
	(void)ms;
	count(data, route, status, 1, bytes);
}

static uint16_t
place_of(const char *route)
{
	for (size_t i = 0; i < service_route_count; i++)
		if (strcmp(service_routes[i].pattern, route) == 0)
			return (uint16_t)i;
	return UINT16_MAX;
}

void
metrics_take(struct service *s, struct metrics_counts *out)
{
	struct requests *q = s->requests;

	out->bytes = out->count = 0;
	out->connections = http_server_connections(s->server);
	for (size_t i = 0; q != NULL && i < q->count && i < METRICS_PAIRS_MAX; i++) {
		out->pairs[i].route = place_of(q->pairs[i].route);
		out->pairs[i].status = (uint16_t)q->pairs[i].status;
		out->pairs[i].n = (uint32_t)q->pairs[i].n;
		out->count++;
	}
	if (q != NULL) {
		out->bytes = q->bytes;
		q->bytes = q->count = 0;
	}
}

void
metrics_add(struct service *s, const struct metrics_counts *c)
{
	count(s, "none", 0, 0, c->bytes);
	for (uint32_t i = 0; i < c->count && i < METRICS_PAIRS_MAX; i++)
		count(s,
		      c->pairs[i].route < service_route_count
			      ? service_routes[c->pairs[i].route].pattern
			      : "none",
		      c->pairs[i].status, c->pairs[i].n, 0);
}

void
metrics_fini(struct service *s)
{
	free(s->requests);
	s->requests = NULL;
}

static void
family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP prebuildd_%s %s\n# TYPE prebuildd_%s %s\n", name, help, name, type);
}

static void
add_requests(struct buf *b, const struct service *s)
{
	const struct requests *q = s->requests;

	family(b, "http_requests_total", "counter",
	       "Requests by route and status since the start.");
	for (size_t i = 0; q != NULL && i < q->count; i++)
		buf_addf(b, "prebuildd_http_requests_total{route=\"%s\",status=\"%d\"} %llu\n",
			 q->pairs[i].route, q->pairs[i].status, (unsigned long long)q->pairs[i].n);
	family(b, "http_sent_bytes_total", "counter", "Bytes of replies since the start.");
	buf_addf(b, "prebuildd_http_sent_bytes_total %llu\n",
		 q != NULL ? (unsigned long long)q->bytes : 0);
	family(b, "http_connections", "gauge", "Open connections.");
	buf_addf(b, "prebuildd_http_connections %u\n",
		 http_server_connections(s->server) + s->front_connections);
}

struct asking {
	struct service *service;
	struct http_request *request;
	struct buf text;
};

static void
on_count(const char *target, const char *outcome, int64_t n, void *arg)
{
	buf_addf(arg, "prebuildd_jobs_total{outcome=\"%s\",target=\"%s\"} %lld\n", outcome, target,
		 (long long)n);
}

/* Every state has a line, so that one that is empty reads 0. */
static void
add_states(struct buf *b, const char *name, const char *const *states, size_t n,
	   const struct json *counts)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "prebuildd_%s{state=\"%s\"} %lld\n", name, states[i],
			 (long long)json_int(counts, states[i], 0));
}

static int
ask_catalog(struct db *db, void *arg, struct err *e)
{
	static const char *const queue[] = {"waiting", "queued", "running"};
	static const char *const sent[] = {"pending", "delivered", "failed"};
	struct asking *a = arg;
	struct json *jobs = NULL, *deliveries = NULL;
	struct buf *b = &a->text;

	family(b, "jobs_total", "counter", "Build jobs that have ended.");
	if (tally_each(db, on_count, b, e) != 0 || jobs_counts(db, &jobs, e) != 0 ||
	    deliveries_counts(db, &deliveries, e) != 0)
		goto out;
	family(b, "queue_jobs", "gauge",
	       "Jobs that wait for their source, for a worker, and that run.");
	add_states(b, "queue_jobs", queue, ARRAY_SIZE(queue), jobs);
	family(b, "webhook_deliveries", "gauge", "Deliveries to webhooks of the last 30 days.");
	add_states(b, "webhook_deliveries", sent, ARRAY_SIZE(sent), deliveries);
out:
	json_free(jobs);
	json_free(deliveries);
	return e->code;
}

static void
asked(int r, void *arg, const struct err *e)
{
	struct asking *a = arg;
	struct buf *b = &a->text;

	if (r != 0) {
		reply_err(a->request, e);
	} else {
		add_requests(b, a->service);
		family(b, "build_info", "gauge", "The version of this program.");
		buf_addf(b, "prebuildd_build_info{version=\"%s\"} 1\n", PREBUILDD_VERSION);
		reply_header(a->request, "Cache-Control", "no-store");
		reply_text(a->request, 200, METRICS_TYPE, b->data, b->len);
	}
	buf_fini(b);
	free(a);
}

void
route_metrics(struct http_request *r, void *data)
{
	struct asking *a = xcalloc(1, sizeof *a);

	a->service = data;
	a->request = r;
	catalog_submit(a->service->catalog, ask_catalog, asked, a);
}
