/*
 * misses.c - clients that asked for a prebuild that is not there: its build is started or joined, and
 * the client is held for a while, within its own patience; then it hears 404 with the reason and
 * the job, and the build goes on. What nothing here builds is fetched from the package's upstream by a
 * mirror job, if it has one; to the client that is the same.
 */
#include "api/routes/misses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/catalog.h"
#include "api/catalog/jobs.h"
#include "api/catalog/toolchains.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/electron.h"
#include "api/routes/policy.h"
#include "api/routes/service.h"
#include "api/routes/upstreams.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/origin.h"

#define PROCESSING_MS 10000 /* between two 102 Processing */
#define HELD_MAX_MS   3600000

/* How long "there is no such version" is believed, and that an upstream has no such file. */
#define UNKNOWN_MS 600000

/* A request that found nothing published. Waits in service.misses. */
struct miss_waiter {
	struct miss_waiter *next;
	struct service *service;
	struct http_request *request;
	struct name name;
	enum prebuild_kind kind;
	char *path; /* of the rendering, or of a document beside it */
	char peer[64];
	bool trusted; /* brought a token that may build */
	bool headers; /* it is not for Electron, or a worker has that one's headers */
	uint64_t deadline, interim, last;
	bool asking, again;

	/* What the catalog found. */
	bool buildable;       /* some worker can build it, or may come that can */
	const char *upstream; /* where it is fetched from instead; NULL: it is built */
	bool requested;       /* the job was asked for */
	bool queued;          /* … and that made a job */
	const char *refusal;  /* the code of why it is not; NULL */
	char digest[DIGEST_HEX_SIZE];
	struct job_brief job;
};

static void
miss_free(struct miss_waiter *w)
{
	job_brief_fini(&w->job);
	free(w->path);
	free(w);
}

static void
unlink_miss(struct miss_waiter *w)
{
	struct miss_waiter **at = &w->service->misses;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
}

/* Why the job that there is does not lead to this prebuild. */
static const char *
job_reason(const struct job_brief *job)
{
	static const char *const told[] = {"audit-failed",     "unknown-package",
					   "unknown-version",  "unsupported-abi",
					   "upstream-missing", "upstream-failed"};

	if (job->job == 0 || job->state == JOB_CANCELLED)
		return "not-built";
	if (!job_state_final(job->state))
		return "building";
	/* What was published has other names: a module that is called otherwise. */
	if (job->state == JOB_SUCCEEDED)
		return "unknown-name";
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (strcmp(job->code, told[i]) == 0)
			return told[i];
	return "build-failed";
}

static void
explain(const struct miss_waiter *w, const char *code, struct buf *out)
{
	const char *package = w->name.package, *version = w->name.version;
	const char *target = w->name.target->triple;

	if (strcmp(code, "building") == 0)
		buf_addf(out, "%s@%s for %s is being %s; ask again in a minute", package, version,
			 target, w->upstream != NULL ? "fetched from its upstream" : "built");
	else if (strcmp(code, "unsupported-target") == 0)
		buf_addf(out, "%s@%s for %s is not %s; prebuildctl targets lists what there is",
			 package, version, target,
			 w->name.target->recipe == RECIPE_NONE
				 ? "published here, and nothing is built for that target"
				 : "built here: no worker has a toolchain for it");
	else if (strcmp(code, "unsupported-abi") == 0 && !w->headers)
		buf_adds(out, ELECTRON_MISSING);
	else if (strcmp(code, "package-not-allowed") == 0)
		buf_addf(
			out,
			"%s is not among the packages that install clients may have built here "
			"(serve --mirror-packages); ask for it with a token that may build, or with "
			"prebuildctl build %s@%s --target %s",
			package, package, version, target);
	else if (strcmp(code, "rate-limited") == 0)
		buf_addf(out,
			 "your address has started %ld builds within a minute (limit "
			 "max-builds-per-minute); try again in a minute",
			 w->service->builds_per_minute);
	else if (w->job.error != NULL && w->job.error[0] != '\0')
		buf_addf(out, "%.300s", w->job.error);
	else
		buf_addf(out, "%s@%s for %s is not built here", package, version, target);
}

static void
reply_miss(struct miss_waiter *w)
{
	const char *code = w->refusal != NULL ? w->refusal : job_reason(&w->job);
	struct json *more = json_object();
	struct buf detail = {0};

	if (w->refusal == NULL && w->job.job != 0) {
		char *link = xasprintf("/v1/jobs/j%lld", (long long)w->job.job);

		json_set_str(more, "job", link);
		free(link);
	}
	explain(w, code, &detail);
	reply_header(w->request, "X-Prebuild-Reason", code);
	reply_problem(w->request, strcmp(code, "rate-limited") == 0 ? 429 : 404, code, more, "%s",
		      detail.data);
	buf_fini(&detail);
}

/* Does a job that has ended still answer for its want? What a registry or an upstream does not have may
 * be there soon; other failures are remembered longer, until somebody asks for the build by name. */
static bool
answers(const struct miss_waiter *w, int64_t now)
{
	const struct job_brief *job = &w->job;
	int64_t ttl = w->service->failures_ms;

	if (job->state == JOB_CANCELLED)
		return false;
	if (job->state != JOB_FAILED)
		return true;
	if ((strncmp(job->code, "unknown-", 8) == 0 || strncmp(job->code, "upstream-", 9) == 0) &&
	    ttl > UNKNOWN_MS)
		ttl = UNKNOWN_MS;
	return now - job->finished < ttl;
}

/* The template of the upstream that may have what a name stands for; NULL if there is none. */
static const char *
upstream_of(const struct service *s, const struct name *name)
{
	/* Only what is built here has a pinned version; and a name of Electron's own version, as old
	 * node-pre-gyp has it, does not say the ABI. */
	if (origin_is_pinned(name->version) || name->abi_minor[0] != '\0')
		return NULL;
	return upstreams_find(s->upstreams, name->package);
}

/* A request that nobody asked for by name is not queued for a worker that may never come; but as long as
 * there is none at all, the first may be starting. It has toolchains that anybody can assemble, or none. */
static int
choose(struct miss_waiter *w, struct db *db, int64_t now, struct err *e)
{
	enum recipe recipe = w->name.target->recipe;
	bool known, any;

	if (toolchains_known(db, w->name.target->triple, now, &known, &any, e) != 0)
		return e->code;
	w->buildable = w->headers && recipe != RECIPE_NONE &&
		       (known || (!any && recipe == RECIPE_PACKAGES));
	w->upstream = w->buildable ? NULL : upstream_of(w->service, &w->name);
	return 0;
}

static int
find_job(struct miss_waiter *w, struct db *db, const char *abi, int64_t now, struct err *e)
{
	const char *upstream = upstream_of(w->service, &w->name);

	job_brief_fini(&w->job);
	if (jobs_find(db, w->name.package, w->name.version, abi, w->name.target->triple,
		      w->upstream, &w->job, e) != 0)
		return e->code;
	/* A toolchain turned out not to build for this ABI: its headers are not there. */
	if (w->upstream == NULL && upstream != NULL && w->job.job != 0 &&
	    w->job.state == JOB_FAILED && strcmp(w->job.code, "unsupported-abi") == 0 &&
	    answers(w, now)) {
		w->upstream = upstream;
		w->requested = false;
		return find_job(w, db, abi, now, e);
	}
	return 0;
}

/* May this client have it built or fetched? Only what would really be queued counts for its address. */
static void
judge(struct miss_waiter *w)
{
	/* Who runs the service has named the packages that have an upstream. */
	bool allowed = w->trusted || w->upstream != NULL ||
		       policy_allows(w->service->policy, w->name.package);

	if (w->upstream == NULL && w->name.target->recipe == RECIPE_NONE)
		w->refusal = "unsupported-target";
	else if (w->upstream == NULL && !w->headers)
		w->refusal = "unsupported-abi";
	else if (!allowed)
		w->refusal = "package-not-allowed";
	else if (w->upstream == NULL && !w->buildable)
		w->refusal = "unsupported-target";
	else if (!w->trusted && !policy_take(w->service->policy, w->peer, clock_mono_ms()))
		w->refusal = "rate-limited";
}

static int
request_job(struct miss_waiter *w, struct db *db, const char *abi, int64_t now, struct err *e)
{
	struct build_request want = {
		.requester = "mirror",
		.package = w->name.package,
		.version = w->name.version,
		.targets = {w->name.target->triple},
		.target_count = 1,
		.abis = {abi},
		.abi_count = 1,
		.queue_max = w->service->queue_max,
	};
	int64_t build;

	if (w->upstream != NULL)
		return jobs_request_mirror(db, &want, w->upstream, now, &w->queued, e);
	/* A version of a git repository or an upload that was never built here. */
	if (jobs_request(db, &want, now, &build, &w->queued, e) == ERR_NOT_FOUND) {
		w->refusal = "unknown-version";
		*e = (struct err){0};
	}
	return e->code;
}

/* What the catalog knows; if there is neither a name nor a job, the job is requested. */
static int
miss_work(struct db *db, void *arg, struct err *e)
{
	struct miss_waiter *w = arg;
	char abi[ABI_TEXT_SIZE];
	int64_t size, now = clock_wall_ms();

	abi_text(w->name.abi, abi);
	if (artifacts_name(db, w->path, w->digest, &size, e) != 0 || w->digest[0] != '\0' ||
	    (!w->requested && choose(w, db, now, e) != 0) || find_job(w, db, abi, now, e) != 0 ||
	    w->requested)
		return e->code;
	if (w->job.job != 0 && answers(w, now)) {
		w->requested = true;
		return jobs_hurry(db, w->job.job, now, e);
	}
	if (!w->service->build_on_miss && w->headers)
		return 0;
	w->requested = true;
	judge(w);
	if (w->refusal == NULL && request_job(w, db, abi, now, e) == 0)
		find_job(w, db, abi, now, e);
	return e->code;
}

static void miss_ask(struct miss_waiter *w);

static void
miss_done(int r, void *arg, const struct err *e)
{
	struct miss_waiter *w = arg;
	bool live = r == 0 && w->refusal == NULL && w->digest[0] == '\0' && w->job.job != 0 &&
		    !job_state_final(w->job.state);

	w->asking = false;
	if (w->queued) {
		w->queued = false;
		service_queue_changed(w->service);
	}
	if (live && !w->service->closing && !http_gone(w->request) &&
	    clock_mono_ms() < w->deadline) {
		if (w->again)
			miss_ask(w);
		return;
	}
	unlink_miss(w);
	if (r != 0)
		reply_err(w->request, e);
	else if (w->digest[0] != '\0')
		prebuild_reply(w->service, w->request, &w->name, w->kind, w->digest);
	else
		reply_miss(w);
	miss_free(w);
}

static void
miss_ask(struct miss_waiter *w)
{
	w->asking = true;
	w->again = false;
	catalog_submit(w->service->catalog, miss_work, miss_done, w);
}

void
misses_retry(struct service *s)
{
	for (struct miss_waiter *w = s->misses; w != NULL; w = w->next) {
		if (w->asking)
			w->again = true;
		else
			miss_ask(w);
	}
}

/* A client that understands 102 is held for as long as its build takes. */
static void
keep_waiting(struct miss_waiter *w, uint64_t now)
{
	if (!w->service->processing || now < w->interim || !reply_processing(w->request))
		return;
	w->interim = now + PROCESSING_MS;
	w->deadline = now + 3 * (uint64_t)PROCESSING_MS;
	if (w->deadline > w->last)
		w->deadline = w->last;
}

void
misses_end(struct service *s, bool all)
{
	uint64_t now = clock_mono_ms();

	for (struct miss_waiter *w = s->misses; w != NULL; w = w->next) {
		if (!all && !http_gone(w->request))
			keep_waiting(w, now);
		if (!w->asking && (all || http_gone(w->request) || now >= w->deadline))
			miss_ask(w);
	}
}

void
miss_begin(struct service *s, struct http_request *r, const struct name *name,
	   enum prebuild_kind kind, const char *path)
{
	struct miss_waiter *w = xcalloc(1, sizeof *w);
	uint64_t now = clock_mono_ms();

	*w = (struct miss_waiter){
		.next = s->misses,
		.service = s,
		.request = r,
		.name = *name,
		.kind = kind,
		.path = xstrdup(path),
		.headers = name->abi.kind != ABI_ELECTRON ||
			   (name->abi_minor[0] == '\0' && electron_known(s, name->abi)),
		.trusted = service_brings_token(r, s, SCOPE_BUILD),
		.deadline = now + s->hold_ms,
		.interim = now + PROCESSING_MS,
		.last = now + HELD_MAX_MS,
	};
	snprintf(w->peer, sizeof w->peer, "%s", http_peer(r));
	s->misses = w;
	miss_ask(w);
}
