/*
 * result.c - how a worker's job ends: the upload of its bytes, then the result that refers to
 * them. Both can be repeated after a crash of either side; the fencing number decides.
 *
 *   PUT upload ─► tmp/j42-3.upload ─┐
 *   POST result ────────────────────┴► prepare (pool) ─► record (catalog) ─► show (pool) ─► 200
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "api/catalog/catalog.h"
#include "api/catalog/jobs.h"
#include "api/catalog/leases.h"
#include "api/catalog/sources.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/publish/publish.h"
#include "api/routes/service.h"
#include "api/sign/provenance.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/job.h"
#include "builder/model/upstream.h"

#define ERROR_TEXT_MAX 4000

/* For how long a result may take to be stored. */
#define STORE_MS 600000

static char *
staged_path(const struct service *s, int64_t job, int64_t fence)
{
	return xasprintf("%s/j%lld-%lld.upload", store_temp_dir(s->store), (long long)job,
			 (long long)fence);
}

/* ---- upload ---- */

struct upload {
	struct service *service;
	struct http_request *request;
	int64_t job, fence;
};

static int
upload_work(struct db *db, void *arg, struct err *e)
{
	const struct upload *u = arg;

	return jobs_keep_lease(db, u->job, u->fence, clock_wall_ms() + STORE_MS, e);
}

static void
upload_done(int r, void *arg, const struct err *e)
{
	struct upload *u = arg;
	char *to = staged_path(u->service, u->job, u->fence);
	struct digest have, want;
	const char *path, *wanted = http_query(u->request, "sha256");
	uint64_t size;

	path = http_spool(u->request, &size, &have);
	if (r != 0)
		reply_err(u->request, e);
	else if (wanted == NULL || digest_parse(wanted, &want) != 0)
		reply_problem(u->request, 400, "invalid", NULL, "sha256 is needed");
	else if (!digest_equal(&have, &want))
		reply_problem(u->request, 422, "digest-mismatch", NULL,
			      "the %llu bytes that arrived do not have that digest",
			      (unsigned long long)size);
	else if (rename(path, to) != 0)
		reply_problem(u->request, 500, "internal", NULL, "keep the upload: %s",
			      strerror(errno));
	else
		reply_empty(u->request, 204);
	free(to);
	free(u);
}

void
route_upload(struct http_request *r, void *data)
{
	const char *fence = http_query(r, "fence");
	int64_t job = service_id(r, "id", 'j');
	struct upload *u;

	if (job == 0)
		return;
	u = xcalloc(1, sizeof *u);
	*u = (struct upload){data, r, job, fence != NULL ? strtoll(fence, NULL, 10) : 0};
	catalog_submit(u->service->catalog, upload_work, upload_done, u);
}

/* ---- result ---- */

/* One result on its way. Pool and catalog see it one after the other, never at once. */
struct result {
	struct service *service;
	struct http_request *request;
	struct json *body;
	int64_t job, fence;
	enum job_outcome outcome;
	struct json *job_json; /* the job as the catalog has it */
	struct publication publication;
	struct digest source;
	uv_work_t work;
	struct err e;
};

static void
result_free(struct result *x)
{
	json_free(x->body);
	json_free(x->job_json);
	publication_fini(&x->publication);
	free(x);
}

static void
result_reply(struct result *x, int r, const struct err *e)
{
	struct json *o;

	if (r != 0) {
		log_warn("result", "j%lld error=\"%s\"", (long long)x->job, e->msg);
		reply_err(x->request, e);
	} else {
		log_info("result", "j%lld outcome=%s", (long long)x->job,
			 job_outcome_name(x->outcome));
		o = json_object();
		json_set_str(o, "outcome", job_outcome_name(x->outcome));
		reply_json(x->request, 200, o);
	}
	service_job_ended(x->service);
	result_free(x);
}

static void
pool(struct result *x, uv_work_cb work, uv_after_work_cb done)
{
	x->work.data = x;
	uv_queue_work(x->service->loop, &x->work, work, done);
}

static int
fail_work(struct db *db, void *arg, struct err *e)
{
	const struct result *x = arg;
	const char *code = json_str(x->body, "code", "error");
	char text[ERROR_TEXT_MAX];

	snprintf(text, sizeof text, "%s", json_str(x->body, "error", "no reason was given"));
	return jobs_fail(db, x->job, x->fence, x->outcome, code, text, clock_wall_ms(), e);
}

static void
recorded(int r, void *arg, const struct err *e)
{
	result_reply(arg, r, e);
}

/* The server's audit has the last word: the job ends as refused and the worker hears why. */
static int
refuse_work(struct db *db, void *arg, struct err *e)
{
	const struct result *x = arg;

	return jobs_fail(db, x->job, x->fence, OUTCOME_REFUSED, "audit-failed", x->e.msg,
			 clock_wall_ms(), e);
}

static void
refused(int r, void *arg, const struct err *e)
{
	struct result *x = arg;

	(void)r;
	(void)e;
	result_reply(x, x->e.code, &x->e);
}

static void
show_on_pool(uv_work_t *w)
{
	struct result *x = w->data;

	publish_show(&x->publication, x->service->store, &x->e);
}

static void
shown(uv_work_t *w, int status)
{
	struct result *x = w->data;

	(void)status;
	/* The publication stands in the catalog; a name that could not be made visible now is made
	 * so at the next start, and until then asked for in the catalog. */
	if (x->e.code != 0)
		log_error("publish", "j%lld error=\"%s\"", (long long)x->job, x->e.msg);
	result_reply(x, 0, &x->e);
}

static int
publish_work(struct db *db, void *arg, struct err *e)
{
	struct result *x = arg;
	int64_t now = clock_wall_ms();

	if (jobs_check_lease(db, x->job, x->fence, e) != 0 ||
	    publish_record(&x->publication, db, now, e) != 0)
		return e->code;
	return jobs_succeed(db, x->job, x->fence, x->publication.digest, now, e);
}

static void
published(int r, void *arg, const struct err *e)
{
	struct result *x = arg;

	if (r != 0)
		result_reply(x, r, e);
	else
		pool(x, show_on_pool, shown);
}

static void
prepare_on_pool(uv_work_t *w)
{
	struct result *x = w->data;

	publish_prepare(&x->publication, x->service->store, x->service->signing_key, &x->e);
}

static void
prepared(uv_work_t *w, int status)
{
	struct result *x = w->data;

	(void)status;
	if (x->e.code == ERR_AUDIT)
		catalog_submit(x->service->catalog, refuse_work, refused, x);
	else if (x->e.code != 0)
		result_reply(x, x->e.code, &x->e);
	else
		catalog_submit(x->service->catalog, publish_work, published, x);
}

static void
keep_source_on_pool(uv_work_t *w)
{
	struct result *x = w->data;

	store_put(x->service->store, x->publication.staged, &x->source, &x->e);
}

static int
source_work(struct db *db, void *arg, struct err *e)
{
	const struct result *x = arg;
	const struct json *source = json_get(x->body, "source");
	char hex[DIGEST_HEX_SIZE];

	digest_hex(&x->source, hex);
	return jobs_resolved(db, x->job, x->fence,
			     &(struct source_found){
				     .digest = hex,
				     .origin = json_str(source, "origin", ""),
				     .lock = json_str(source, "lock", ""),
				     .abi = json_str(source, "abi", ""),
				     .package = json_str(source, "package", ""),
				     .version = json_str(source, "version", ""),
				     .size = x->publication.size,
			     },
			     clock_wall_ms(), e);
}

static void
source_kept(uv_work_t *w, int status)
{
	struct result *x = w->data;

	(void)status;
	if (x->e.code != 0)
		result_reply(x, x->e.code, &x->e);
	else
		catalog_submit(x->service->catalog, source_work, recorded, x);
}

/* Where the addon of a mirror job came from: one of the URLs that the worker was given. */
static int
fill_upstream(struct publication *p, const struct json *from, const char *template, struct err *e)
{
	const char *url = json_str(from, "url", ""), *sha256 = json_str(from, "sha256", "");
	struct strv urls = {0};
	struct digest d;

	upstream_urls(template, p->package, p->version, p->abi, p->target, &urls);
	if (!strv_has(&urls, url))
		err_set(e, ERR_INVALID, "addon.upstream.url: it was not to be fetched from there");
	else if (strlen(sha256) != 64 || digest_parse(sha256, &d) != 0)
		err_set(e, ERR_INVALID, "addon.upstream.sha256: the tarball's SHA-256 is needed");
	strv_fini(&urls);
	if (e->code != 0)
		return e->code;
	p->type = PROVENANCE_MIRRORED;
	p->source = xstrdup("");
	/* Not that of the source, if somebody has had it built for another target. */
	free(p->origin);
	free(p->lock);
	p->lock = NULL;
	p->origin = xasprintf("%s sha256:%s", url, sha256);
	p->upstream = json_object();
	json_set_str(p->upstream, "url", url);
	json_set_str(p->upstream, "sha256", sha256);
	p->load = publish_not_loaded("not load-tested: it was built elsewhere and fetched from its "
				     "upstream");
	return 0;
}

static int
fill_publication(struct result *x, struct err *e)
{
	const struct json *addon = json_get(x->body, "addon"), *job = x->job_json;
	bool mirrored = strcmp(json_str(job, "kind", ""), "mirror") == 0;
	struct publication *p = &x->publication;
	const char *file = json_str(addon, "file", "");

	if (!publish_file_valid(file))
		return err_set(e, ERR_INVALID, "addon.file: \"%.60s\" is no addon's name", file);
	p->file = xstrdup(file);
	p->invocation = xstrdup(json_str(job, "id", ""));
	p->started = xstrdup(json_str(job, "started", ""));
	p->package = xstrdup(json_str(job, "package", ""));
	p->version = xstrdup(json_str(job, "version", ""));
	p->toolchain = xstrdup(json_str(job, "toolchain", ""));
	p->target = target_find(json_str(job, "target", ""));
	if (p->target == NULL || abi_parse(json_str(job, "abi", ""), &p->abi) != 0)
		return err_set(e, ERR_INVALID, "this job builds no addon");
	if (mirrored)
		return fill_upstream(p, json_get(addon, "upstream"), json_str(job, "upstream", ""),
				     e);
	p->type = PROVENANCE_BUILT;
	p->key = xstrdup(json_str(job, "key", ""));
	p->source = xstrdup(json_str(addon, "source", ""));
	if (json_is_object(json_get(addon, "load")))
		p->load = json_copy(json_get(addon, "load"));
	if (json_is_object(json_get(addon, "provenance")))
		p->reported = json_copy(json_get(addon, "provenance"));
	return 0;
}

static int
begin_work(struct db *db, void *arg, struct err *e)
{
	struct result *x = arg;

	if (jobs_keep_lease(db, x->job, x->fence, clock_wall_ms() + STORE_MS, e) != 0 ||
	    jobs_job_json(db, x->job, &x->job_json, e) != 0)
		return e->code;
	return sources_origin(db, json_str(x->job_json, "package", ""),
			      json_str(x->job_json, "version", ""), &x->publication.origin,
			      &x->publication.lock, e);
}

static void
begun(int r, void *arg, const struct err *e)
{
	struct result *x = arg;
	struct stat st;

	if (r != 0) {
		result_reply(x, r, e);
		return;
	}
	x->publication.staged = staged_path(x->service, x->job, x->fence);
	if (stat(x->publication.staged, &st) != 0) {
		err_set(&x->e, ERR_CONFLICT, "nothing was uploaded for this result; upload first");
	} else if (strcmp(json_str(x->job_json, "kind", ""), "resolve") == 0) {
		x->publication.size = st.st_size;
		pool(x, keep_source_on_pool, source_kept);
		return;
	} else if (fill_publication(x, &x->e) == 0) {
		pool(x, prepare_on_pool, prepared);
		return;
	}
	result_reply(x, x->e.code, &x->e);
}

void
route_result(struct http_request *r, void *data)
{
	int64_t job = service_id(r, "id", 'j');
	struct err e = {0};
	struct result *x;

	if (job == 0)
		return;
	x = xcalloc(1, sizeof *x);
	x->service = data;
	x->request = r;
	x->job = job;
	x->body = http_body_json(r, &e);
	if (x->body == NULL) {
		reply_err(r, &e);
		result_free(x);
		return;
	}
	x->fence = json_int(x->body, "fence", 0);
	x->outcome = job_outcome_parse(json_str(x->body, "outcome", ""));
	if (x->outcome == OUTCOME_COUNT) {
		reply_problem(r, 400, "invalid", NULL, "outcome: \"%.40s\" is none",
			      json_str(x->body, "outcome", ""));
		result_free(x);
		return;
	}
	if (x->outcome == OUTCOME_SUCCEEDED)
		catalog_submit(x->service->catalog, begin_work, begun, x);
	else
		catalog_submit(x->service->catalog, fail_work, recorded, x);
}
