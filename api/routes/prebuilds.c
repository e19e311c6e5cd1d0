/*
 * prebuilds.c - the mirror for install hooks: /prebuilds/{package}/v{version}/{file}, and the same
 * path + ".sha256" or ".report.json".
 *
 * A published file is one readlink and one open, on the loop thread. A name that is valid but not
 * there starts or joins its build, and the client is held for a while, within its own patience;
 * then it hears 404 with the reason and the job, and the build goes on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/catalog/artifacts.h"
#include "api/catalog/catalog.h"
#include "api/catalog/jobs.h"
#include "api/catalog/toolchains.h"
#include "api/http/reply.h"
#include "api/http/request.h"
#include "api/routes/service.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/model/name.h"

enum kind { KIND_FILE, KIND_SHA256, KIND_REPORT };

/* A request that found nothing published. Waits in service.misses. */
struct miss_waiter {
	struct miss_waiter *next;
	struct service *service;
	struct http_request *request;
	struct name name;
	enum kind kind;
	char *path; /* of the rendering */
	uint64_t deadline;
	bool asking, again;

	/* What the catalog found. */
	bool requested;   /* the build was asked for */
	bool queued;      /* … and that made a job */
	bool unbuildable; /* no worker could do it */
	char digest[DIGEST_HEX_SIZE];
	char artifact[DIGEST_HEX_SIZE];
	struct job_brief job;
	struct json *report;
};

static void
miss_free(struct miss_waiter *w)
{
	job_brief_fini(&w->job);
	json_free(w->report);
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

static void
reply_found(const struct miss_waiter *w, struct store_file *f)
{
	struct http_request *r = w->request;
	char *digest = xasprintf("sha256:%s", f->hex);

	reply_header(r, "X-Prebuild-Digest", digest);
	free(digest);
	if (w->kind == KIND_SHA256) {
		const char *file = strrchr(w->path, '/') + 1;
		char *line = xasprintf("%s  %s\n", f->hex, file);

		close(f->fd);
		reply_text(r, 200, "text/plain; charset=utf-8", line, strlen(line));
		free(line);
		return;
	}
	/* Install clients take 206 for a failure or, worse, for the whole: a range is only answered
	 * to who asked for one, which they never do. */
	reply_file(r, &(struct reply_file){
			      .fd = f->fd,
			      .size = f->size,
			      .type = name_is_raw(w->name.layout) ? "application/octet-stream"
								  : "application/gzip",
			      .etag = f->hex,
			      .cache_control = "public, max-age=31536000, immutable",
		      });
}

static void
reply_miss(struct miss_waiter *w)
{
	struct json *more = json_object();
	const struct job_brief *job = &w->job;
	char id[32], *link;
	const char *code = "not-built";

	if (job->job != 0) {
		snprintf(id, sizeof id, "j%lld", (long long)job->job);
		link = xasprintf("/v1/jobs/%s", id);
		json_set_str(more, "job", link);
		free(link);
	}
	if (job->job != 0 && !job_state_final(job->state))
		code = "building";
	else if (w->unbuildable)
		code = "unsupported-target";
	else if (job->state == JOB_FAILED)
		code = strcmp(job->code, "audit-failed") == 0      ? "audit-failed"
		       : strcmp(job->code, "unknown-package") == 0 ? "unknown-package"
		       : strcmp(job->code, "unknown-version") == 0 ? "unknown-version"
								   : "build-failed";
	reply_header(w->request, "X-Prebuild-Reason", code);
	if (strcmp(code, "building") == 0)
		reply_problem(w->request, 404, code, more,
			      "%s@%s for %s is being built; ask again in a minute", w->name.package,
			      w->name.version, w->name.target->triple);
	else if (job->job != 0 && job->error != NULL && job->error[0] != '\0')
		reply_problem(w->request, 404, code, more, "%.300s", job->error);
	else
		reply_problem(w->request, 404, code, more, "%s@%s for %s is not built here%s",
			      w->name.package, w->name.version, w->name.target->triple,
			      w->unbuildable ? ": no worker has a toolchain for it" : "");
}

/* What the catalog knows; if there is neither a name nor a job, the build is requested. */
static int
miss_work(struct db *db, void *arg, struct err *e)
{
	struct miss_waiter *w = arg;
	char abi[ABI_TEXT_SIZE];
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
	int64_t size, build, now = clock_wall_ms();
	bool known, any;

	abi_text(w->name.abi, abi);
	job_brief_fini(&w->job);
	if (artifacts_name(db, w->path, w->digest, &size, e) != 0 || w->digest[0] != '\0')
		return e->code;
	if (jobs_find(db, w->name.package, w->name.version, abi, w->name.target->triple, &w->job,
		      e) != 0)
		return e->code;
	if (w->requested || (w->job.job == 0 && !w->service->build_on_miss))
		return 0;
	w->requested = true;
	if (w->job.job != 0)
		return jobs_hurry(db, w->job.job, now, e);
	/* A request that nobody asked for by name is not queued for a worker that may never come; but
	 * as long as there is none at all, the first may be starting. */
	if (toolchains_known(db, w->name.target->triple, now, &known, &any, e) != 0)
		return e->code;
	w->unbuildable = any && !known;
	if (w->unbuildable)
		return 0;
	if (jobs_request(db, &want, now, &build, &w->queued, e) != 0)
		return e->code;
	return jobs_find(db, w->name.package, w->name.version, abi, w->name.target->triple, &w->job,
			 e);
}

static void miss_ask(struct miss_waiter *w);

/* The name is recorded but its link was not there: serve the content itself. */
static void
reply_recorded(struct miss_waiter *w)
{
	struct store_file f;
	struct err e = {0};

	if (store_open_blob(w->service->store, w->digest, &f, &e) != 0)
		reply_err(w->request, &e);
	else
		reply_found(w, &f);
}

static void
miss_done(int r, void *arg, const struct err *e)
{
	struct miss_waiter *w = arg;
	bool live =
		r == 0 && w->digest[0] == '\0' && w->job.job != 0 && !job_state_final(w->job.state);

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
		reply_recorded(w);
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

void
misses_end(struct service *s, bool all)
{
	for (struct miss_waiter *w = s->misses; w != NULL; w = w->next)
		if (!w->asking && (all || http_gone(w->request) || clock_mono_ms() >= w->deadline))
			miss_ask(w);
}

static int
report_query(struct db *db, void *arg, struct json **out, struct err *e)
{
	const struct miss_waiter *w = arg;
	char abi[ABI_TEXT_SIZE];
	struct artifact_filter f = {
		.package = w->name.package,
		.version = w->name.version,
		.target = w->name.target->triple,
		.abi = abi,
		.limit = 1,
	};
	struct json *page = NULL;
	const char *digest;
	int r;

	abi_text(w->name.abi, abi);
	r = artifacts_list(db, &f, &page, e);
	digest = json_str(json_first(json_get(page, "artifacts")), "sha256", NULL);
	if (r == 0 && digest == NULL)
		r = err_set(e, ERR_NOT_FOUND, "nothing is published under this name");
	if (r == 0)
		r = artifacts_report(db, digest, out, e);
	json_free(page);
	return r;
}

/* node-pre-gyp up to 0.11 puts the module's folder behind the mirror that was set for one package:
 * "sqlite3/sqlite3/v5.0.2/…". Returns the slash before the version. */
static const char *
skip_repeated(const char *path, const char *slash)
{
	size_t len = (size_t)(slash - path);

	return strncmp(slash + 1, path, len) == 0 && slash[1 + len] == '/' ? slash + 1 + len
									   : slash;
}

bool
prebuild_split(const char *path, char package[PACKAGE_NAME_MAX + 1],
	       char version[PACKAGE_VERSION_MAX + 1], const char **file)
{
	const char *slash = strchr(path, '/'), *name_end, *end;

	if (slash != NULL && path[0] == '@')
		slash = strchr(slash + 1, '/');
	if (slash == NULL || (size_t)(slash - path) > PACKAGE_NAME_MAX)
		return false;
	name_end = slash;
	slash = skip_repeated(path, slash);
	if (slash[1] != 'v')
		return false;
	end = strchr(slash + 2, '/');
	if (end == NULL || (size_t)(end - slash - 2) > PACKAGE_VERSION_MAX ||
	    strchr(end + 1, '/') != NULL)
		return false;
	snprintf(package, PACKAGE_NAME_MAX + 1, "%.*s", (int)(name_end - path), path);
	snprintf(version, PACKAGE_VERSION_MAX + 1, "%.*s", (int)(end - slash - 2), slash + 2);
	*file = end + 1;
	return package_name_valid(package) && package_version_valid(version);
}

static enum kind
take_suffix(char *file)
{
	static const struct {
		const char *suffix;
		enum kind kind;
	} suffixes[] = {{".sha256", KIND_SHA256}, {".report.json", KIND_REPORT}};
	size_t n = strlen(file);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t m = strlen(suffixes[i].suffix);

		if (n > m && strcmp(file + n - m, suffixes[i].suffix) == 0) {
			file[n - m] = '\0';
			return suffixes[i].kind;
		}
	}
	return KIND_FILE;
}

static void
problem(struct http_request *r, const char *code, const char *detail)
{
	reply_header(r, "X-Prebuild-Reason", code);
	reply_problem(r, 404, code, NULL, "%s", detail);
}

void
route_prebuild(struct http_request *r, void *data)
{
	struct service *s = data;
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	const char *rest = http_param(r, "path"), *asked;
	struct miss_waiter *w;
	struct store_file f;
	struct buf path = {0};
	char *file;
	enum kind kind;

	if (!prebuild_split(rest, package, version, &asked)) {
		problem(r, "not-found", "prebuilds are at /prebuilds/{package}/v{version}/{file}");
		return;
	}
	file = xstrdup(asked);
	kind = take_suffix(file);
	w = xcalloc(1, sizeof *w);
	if (name_parse(package, version, file, &w->name) != 0) {
		problem(r, "unknown-name", "no install client asks for a file of this name");
		goto none;
	}
	if (w->name.target == NULL) {
		problem(r, "unsupported-target",
			"that platform and architecture is no target here");
		goto none;
	}
	name_path(&w->name, &path);
	w->path = buf_take(&path);
	w->service = s;
	w->request = r;
	w->kind = kind;
	if (kind == KIND_REPORT) {
		/* The query frees its argument as one block. */
		free(w->path);
		w->path = NULL;
		service_reply_query(s, r, report_query, w);
		free(file);
		return;
	}
	if (store_open_name(s->store, w->path, &f, NULL) == 0) {
		reply_found(w, &f);
		goto none;
	}
	/* Others may have published one. */
	if (w->name.abi.kind == ABI_ELECTRON) {
		problem(r, "unsupported-abi",
			"Electron's headers are not here; only Node-API addons load in Electron as "
			"they are");
		goto none;
	}
	free(file);
	w->deadline = clock_mono_ms() + s->hold_ms;
	w->next = s->misses;
	s->misses = w;
	miss_ask(w);
	return;
none:
	free(file);
	miss_free(w);
}
