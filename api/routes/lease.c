/*
 * lease.c - the worker protocol: lease, heartbeat, log (docs/worker-protocol.md).
 *
 * Every request after the lease carries its fencing number; a worker that lost its lease hears 409
 * "stale-lease", one whose job was cancelled 409 "cancelled". Results are in result.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/catalog.h"
#include "api/catalog/events.h"
#include "api/catalog/leases.h"
#include "api/catalog/toolchains.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/electron.h"
#include "api/routes/service.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/origin.h"
#include "builder/model/target.h"
#include "builder/model/upstream.h"

/* How long a worker that finds no job waits for one. */
#define LEASE_WAIT_MS 20000
#define LOG_MAX       (16 << 20)

/* A worker that waits; body owns the strings of want. */
struct lease_waiter {
	struct lease_waiter *next;
	struct service *service;
	struct http_request *request;
	struct json *body;
	struct lease_request want;
	struct lease lease;
	uint64_t deadline;
	bool announced; /* its toolchains are known */
	bool asking;    /* the catalog has it */
	bool again;     /* something changed meanwhile */
};

static void
waiter_free(struct lease_waiter *w)
{
	lease_fini(&w->lease);
	json_free(w->body);
	free(w);
}

static void
unlink_waiter(struct lease_waiter *w)
{
	struct lease_waiter **at = &w->service->waiters;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
}

static struct json *
urls_of(const struct lease *l)
{
	const struct target *target = target_find(l->target);
	struct json *list = json_array();
	struct strv urls = {0};
	struct abi abi;

	if (target != NULL && abi_parse(l->abi, &abi) == 0)
		upstream_urls(l->origin, l->package, l->version, abi, target, &urls);
	for (size_t i = 0; i < urls.n; i++)
		json_add_str(list, urls.at[i]);
	strv_fini(&urls);
	return list;
}

static void
reply_lease(struct lease_waiter *w)
{
	const struct lease *l = &w->lease;
	struct json *o = json_object();
	char id[24], base[PACKAGE_VERSION_MAX + 1];

	snprintf(id, sizeof id, "j%lld", (long long)l->job);
	json_set_str(o, "job", id);
	json_set_str(o, "kind", l->kind);
	json_set_int(o, "fence", l->fence);
	json_set_int(o, "lease_ms", (int64_t)w->service->lease_ms);
	json_set_str(o, "package", l->package);
	json_set_str(o, "version", l->version);
	if (strcmp(l->kind, "build") == 0) {
		json_set_str(o, "target", l->target);
		json_set_str(o, "abi", l->abi);
		json_set_str(o, "source", l->source);
		json_set_str(o, "key", l->key);
		if (l->headers != NULL)
			json_set_str(o, "headers", l->headers);
	} else if (strcmp(l->kind, "mirror") == 0) {
		json_set_str(o, "target", l->target);
		json_set_str(o, "abi", l->abi);
		json_set(o, "urls", urls_of(l));
	} else if (l->origin[0] != '\0') {
		/* What the source is said to be, without what its jobs wait under. */
		origin_base(l->version, base);
		json_set_str(o, "version", base);
		json_set_str(o, "origin", l->origin);
	}
	log_info("lease", "j%lld kind=%s package=%s@%s target=%s worker=%s", (long long)l->job,
		 l->kind, l->package, l->version, l->target, w->want.worker);
	reply_json(w->request, 200, o);
}

static int
lease_work(struct db *db, void *arg, struct err *e)
{
	struct lease_waiter *w = arg;

	w->want.now = clock_wall_ms();
	if (!w->announced && toolchains_announce(db, &w->want, e) != 0)
		return e->code;
	w->announced = true;
	return jobs_lease(db, &w->want, &w->lease, e);
}

static void lease_ask(struct lease_waiter *w);

static void
lease_done(int r, void *arg, const struct err *e)
{
	struct lease_waiter *w = arg;

	w->asking = false;
	if (r == 0 && w->lease.job == 0 && !w->service->closing && !http_gone(w->request) &&
	    clock_mono_ms() < w->deadline) {
		if (w->again)
			lease_ask(w);
		return;
	}
	unlink_waiter(w);
	if (r != 0)
		reply_err(w->request, e);
	else if (w->lease.job != 0)
		reply_lease(w);
	else
		reply_empty(w->request, 204);
	waiter_free(w);
}

static void
lease_ask(struct lease_waiter *w)
{
	w->asking = true;
	w->again = false;
	catalog_submit(w->service->catalog, lease_work, lease_done, w);
}

void
leases_retry(struct service *s)
{
	for (struct lease_waiter *w = s->waiters; w != NULL; w = w->next) {
		if (w->asking)
			w->again = true;
		else if (!http_gone(w->request))
			lease_ask(w);
	}
}

void
leases_end(struct service *s, bool all)
{
	struct lease_waiter *next;

	for (struct lease_waiter *w = s->waiters; w != NULL; w = next) {
		next = w->next;
		if (w->asking || (!all && !http_gone(w->request) && clock_mono_ms() < w->deadline))
			continue;
		unlink_waiter(w);
		reply_empty(w->request, 204);
		waiter_free(w);
	}
}

static int
read_electron(struct lease_request *want, const struct json *abis, struct err *e)
{
	json_foreach (item, abis) {
		const char *digest = json_string(item, "");
		struct digest d;
		struct abi abi;

		if (abi_parse(json_name(item), &abi) != 0 || abi.kind != ABI_ELECTRON ||
		    digest_parse(digest, &d) != 0 || strlen(digest) != 64)
			return err_set(e, ERR_INVALID,
				       "electron: \"%.60s\" needs an ABI of Electron and a SHA-256",
				       json_name(item));
		if (want->electron_count == LEASE_ABIS_MAX)
			return err_set(e, ERR_TOO_LARGE, "electron: more than %d", LEASE_ABIS_MAX);
		abi_text(abi, want->electron[want->electron_count]);
		want->headers[want->electron_count++] = digest;
	}
	return 0;
}

static int
read_lease(struct lease_waiter *w, struct err *e)
{
	struct lease_request *want = &w->want;
	const struct json *targets = json_get(w->body, "targets");

	want->worker = json_str(w->body, "worker", "");
	want->due_only = json_bool(w->body, "due", false);
	want->lease_ms = (int64_t)w->service->lease_ms;
	if (want->worker[0] == '\0' || strlen(want->worker) > 100)
		return err_set(e, ERR_INVALID, "worker: a name of at most 100 bytes is needed");
	if (!json_is_object(targets))
		return err_set(e, ERR_INVALID,
			       "targets: an object {triple: toolchain digest} is needed");
	json_foreach (item, targets) {
		const struct target *t = target_find(json_name(item));
		const char *digest = json_string(item, "");
		struct digest d;

		if (t == NULL || digest_parse(digest, &d) != 0 || strlen(digest) != 64)
			return err_set(e, ERR_INVALID,
				       "targets: \"%.60s\" needs a known triple and a SHA-256",
				       json_name(item));
		if (want->target_count == JOB_TARGETS_MAX)
			return err_set(e, ERR_TOO_LARGE, "targets: more than %d", JOB_TARGETS_MAX);
		want->targets[want->target_count] = t->triple;
		want->toolchains[want->target_count++] = digest;
	}
	return read_electron(want, json_get(w->body, "electron"), e);
}

void
route_lease(struct http_request *r, void *data)
{
	struct lease_waiter *w = xcalloc(1, sizeof *w);
	struct err e = {0};

	w->service = data;
	w->request = r;
	w->body = http_body_json(r, &e);
	if (w->body == NULL || read_lease(w, &e) != 0) {
		reply_err(r, &e);
		waiter_free(w);
		return;
	}
	electron_announce(w->service, &w->want);
	w->deadline = clock_mono_ms() + LEASE_WAIT_MS;
	w->next = w->service->waiters;
	w->service->waiters = w;
	lease_ask(w);
}

/* ---- heartbeat ---- */

struct beat {
	struct http_request *request;
	struct json *body;
	int64_t job;
	int64_t lease_ms;
};

static int
beat_work(struct db *db, void *arg, struct err *e)
{
	const struct beat *b = arg;

	return jobs_heartbeat(db, b->job, json_int(b->body, "fence", 0),
			      clock_wall_ms() + b->lease_ms, json_str(b->body, "stage", ""),
			      json_int(b->body, "step", 0), json_int(b->body, "steps", 0), e);
}

static void
beat_done(int r, void *arg, const struct err *e)
{
	struct beat *b = arg;

	if (r != 0)
		reply_err(b->request, e);
	else
		reply_empty(b->request, 204);
	json_free(b->body);
	free(b);
}

void
route_heartbeat(struct http_request *r, void *data)
{
	struct service *s = data;
	int64_t job = service_id(r, "id", 'j');
	struct err e = {0};
	struct json *body;
	struct beat *b;

	if (job == 0)
		return;
	body = http_body_json(r, &e);
	if (body == NULL) {
		reply_err(r, &e);
		return;
	}
	b = xcalloc(1, sizeof *b);
	*b = (struct beat){r, body, job, (int64_t)s->lease_ms};
	catalog_submit(s->catalog, beat_work, beat_done, b);
}

/* ---- log ---- */

struct piece {
	struct service *service;
	struct http_request *request;
	int64_t job, fence, offset;
};

static int
piece_work(struct db *db, void *arg, struct err *e)
{
	const struct piece *p = arg;
	const char *data;
	size_t len;
	char *path;
	int fd, r = 0;

	if (jobs_check_lease(db, p->job, p->fence, e) != 0)
		return e->code;
	data = http_body(p->request, &len);
	if (p->offset < 0 || p->offset + (int64_t)len > LOG_MAX)
		return err_set(e, ERR_TOO_LARGE, "the log is longer than %d bytes", LOG_MAX);
	path = xasprintf("%s/j%lld.log", p->service->log_dir, (long long)p->job);
	/* A piece at 0 starts the log of a new attempt. The lease is checked in the catalog's
	 * thread, and the file is written there too, so that a worker that has just lost its lease
	 * cannot write behind the back of the next one. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (p->offset == 0 ? O_TRUNC : 0), 0644);
	if (fd < 0 || lseek(fd, p->offset, SEEK_SET) < 0 || file_write_all(fd, data, len) != 0)
		r = err_sys(e, -errno, "write the job's log");
	if (fd >= 0)
		close(fd);
	free(path);
	return r != 0 ? r : events_log(db, p->job, p->offset, data, len, clock_wall_ms(), e);
}

static void
piece_done(int r, void *arg, const struct err *e)
{
	struct piece *p = arg;

	if (r != 0)
		reply_err(p->request, e);
	else
		reply_empty(p->request, 204);
	free(p);
}

void
route_worker_log(struct http_request *r, void *data)
{
	const char *fence = http_query(r, "fence"), *offset = http_query(r, "offset");
	int64_t job = service_id(r, "id", 'j');
	struct piece *p;

	if (job == 0)
		return;
	if (fence == NULL || offset == NULL) {
		reply_problem(r, 400, "invalid", NULL, "fence and offset are needed");
		return;
	}
	p = xcalloc(1, sizeof *p);
	*p = (struct piece){data, r, job, strtoll(fence, NULL, 10), strtoll(offset, NULL, 10)};
	catalog_submit(p->service->catalog, piece_work, piece_done, p);
}
