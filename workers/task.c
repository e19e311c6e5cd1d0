#include "workers/task.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/engine.h"
#include "builder/engine/mirror.h"
#include "builder/engine/resolve.h"
#include "builder/model/target.h"
#include "builder/remote/remote.h"
#include "builder/toolchain/toolchain.h"
#include "builder/toolchain/electron.h"
#include "workers/inventory.h"
#include "workers/reported.h"
#include "workers/slot.h"
#include "workers/sources.h"

const char *
task_job(const struct task *t)
{
	return json_str(t->lease, "job", "?");
}

int64_t
task_fence(const struct task *t)
{
	return json_int(t->lease, "fence", 0);
}

static bool
is_kind(const struct task *t, const char *kind)
{
	return strcmp(json_str(t->lease, "kind", ""), kind) == 0;
}

void
task_begin(struct task *t, struct json *lease)
{
	t->lease = lease;
}

void
task_fini(struct task *t)
{
	json_free(t->lease);
	json_free(t->result);
	free(t->source);
	free(t->objects);
	free(t->headers);
	free(t->upload);
	strv_fini(&t->urls);
	t->lease = t->result = NULL;
	t->source = t->objects = t->headers = t->upload = NULL;
	t->electron = NULL;
}

int
task_prepare(struct task *t, struct err *e)
{
	const struct slot_config *c = t->config;

	if (file_remove_tree(t->scratch, e) != 0 || file_mkdirs(t->scratch, 0755, e) != 0)
		return e->code;
	if (is_kind(t, "build"))
		sources_get(c->sources, t->remote, json_str(t->lease, "source", ""), &t->source, e);
	else if (is_kind(t, "resolve") &&
		 origin_parse(json_str(t->lease, "origin", ""), &t->origin, e) == 0 &&
		 t->origin.kind == ORIGIN_UPLOAD)
		sources_get(c->sources, t->remote, t->origin.digest, &t->source, e);
	return e->code;
}

/* ---- results ---- */

static void
set_failure(struct json *result, enum job_outcome outcome, const char *code, const char *error)
{
	json_set_str(result, "outcome", job_outcome_name(outcome));
	json_set_str(result, "code", code);
	json_set_str(result, "error", error);
}

void
task_end(struct task *t, enum job_outcome outcome, const char *code, const char *error)
{
	t->result = json_object();
	json_set_int(t->result, "fence", task_fence(t));
	if (t->stopping && outcome == OUTCOME_CANCELLED)
		set_failure(t->result, OUTCOME_RELEASED, "worker-stopped",
			    "the worker was stopped");
	else if (outcome != OUTCOME_SUCCEEDED)
		set_failure(t->result, outcome, code, error);
	else
		json_set_str(t->result, "outcome", job_outcome_name(outcome));
}

static void
on_built(const struct engine_result *r, void *arg)
{
	struct task *t = arg;
	struct json *addon;

	t->engine = NULL;
	task_end(t, r->outcome, r->code, r->error);
	if (r->outcome == OUTCOME_SUCCEEDED) {
		addon = json_object();
		json_set_str(addon, "file", r->file);
		json_set_str(addon, "source", json_str(t->lease, "source", ""));
		json_set(addon, "load", json_copy(r->load));
		json_set(
			addon, "provenance",
			reported_make(r->commands,
				      inventory_find(t->config->inventory,
						     target_find(json_str(t->lease, "target", ""))),
				      t->electron));
		json_set(t->result, "addon", addon);
		t->upload = xstrdup(r->addon);
	}
	t->on_done(t->arg);
}

static void
on_resolved(const struct resolve_result *r, void *arg)
{
	struct task *t = arg;
	struct json *source;

	t->resolve = NULL;
	task_end(t, r->outcome, r->code, r->error);
	if (r->outcome == OUTCOME_SUCCEEDED) {
		source = json_object();
		json_set_str(source, "origin", r->origin);
		json_set_str(source, "lock", r->lock);
		json_set_str(source, "abi", r->abi);
		json_set_str(source, "package", r->package);
		json_set_str(source, "version", r->version);
		json_set(t->result, "source", source);
		t->upload = xstrdup(r->bundle);
	}
	t->on_done(t->arg);
}

static void
on_mirrored(const struct mirror_result *r, void *arg)
{
	struct task *t = arg;
	struct json *addon, *upstream;

	t->mirror = NULL;
	task_end(t, r->outcome, r->code, r->error);
	if (r->outcome == OUTCOME_SUCCEEDED) {
		addon = json_object();
		upstream = json_object();
		json_set_str(upstream, "url", r->url);
		json_set_str(upstream, "sha256", r->tarball);
		json_set_str(addon, "file", r->file);
		json_set(addon, "upstream", upstream);
		json_set(t->result, "addon", addon);
		t->upload = xstrdup(r->addon);
	}
	t->on_done(t->arg);
}

/* ---- work ---- */

static void
on_log(const char *text, size_t len, void *arg)
{
	struct task *t = arg;

	t->on_log(text, len, t->arg);
}

static void
on_progress(const char *stage, unsigned step, unsigned steps, void *arg)
{
	struct task *t = arg;

	t->on_progress(stage, step, steps, t->arg);
}

static bool
run_resolve(struct task *t)
{
	struct resolve_spec spec = {
		.package = json_str(t->lease, "package", ""),
		.version = json_str(t->lease, "version", ""),
		.origin = t->origin,
		.upload = t->source,
		.git_hosts = t->config->git_hosts,
		.registry = t->config->registry,
		.toolchain = inventory_find(t->config->inventory, NULL),
		.scratch = t->scratch,
		.limits = t->config->limits,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_resolved,
		.arg = t,
	};

	t->resolve = resolve_start(t->loop, &spec);
	return true;
}

static bool
run_build(struct task *t)
{
	struct engine_spec spec = {
		.package = json_str(t->lease, "package", ""),
		.version = json_str(t->lease, "version", ""),
		.bundle = t->source,
		.source = json_str(t->lease, "source", ""),
		.scratch = t->scratch,
		.share = t->config->share,
		.configured = t->config->configured,
		.limits = t->config->limits,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_built,
		.arg = t,
	};
	const struct target *target = target_find(json_str(t->lease, "target", ""));

	/* What anybody calls by the package's name (sources of git and uploads) shares nothing with it. */
	if (strchr(spec.version, '+') == NULL)
		t->objects = xasprintf("%s/" TASK_OBJECTS "/%s", t->config->cache, spec.package);
	spec.objects = t->objects;
	spec.toolchain = target != NULL ? inventory_find(t->config->inventory, target) : NULL;
	if (abi_parse(json_str(t->lease, "abi", ""), &spec.abi) == 0 &&
	    spec.abi.kind == ABI_ELECTRON) {
		t->electron = electron_find(t->config->electron, spec.abi.version);
		if (t->electron == NULL ||
		    strcmp(t->electron->digest, json_str(t->lease, "headers", "")) != 0) {
			task_end(t, OUTCOME_ERROR, "worker-failed",
				 "this worker has no such headers of Electron");
			return false;
		}
		t->headers = xasprintf("%s/" ELECTRON_HEADERS_NAME "/%s", t->config->cache,
				       t->electron->version);
	}
	spec.electron = t->electron;
	spec.electron_dir = t->headers;
	if (spec.toolchain == NULL || abi_parse(json_str(t->lease, "abi", ""), &spec.abi) != 0) {
		task_end(t, OUTCOME_ERROR, "worker-failed", "this worker has no such toolchain");
		return false;
	}
	t->engine = engine_start(t->loop, &spec);
	return true;
}

static bool
run_mirror(struct task *t)
{
	struct mirror_spec spec = {
		.urls = &t->urls,
		.target = target_find(json_str(t->lease, "target", "")),
		.scratch = t->scratch,
		.limits = t->config->limits,
		.on_log = on_log,
		.on_progress = on_progress,
		.on_done = on_mirrored,
		.arg = t,
	};

	json_foreach (url, json_get(t->lease, "urls"))
		strv_add(&t->urls, json_string(url, ""));
	if (t->urls.n == 0 || spec.target == NULL ||
	    abi_parse(json_str(t->lease, "abi", ""), &spec.abi) != 0) {
		task_end(t, OUTCOME_ERROR, "worker-failed",
			 "this worker does not know what to fetch: is it as new as the service?");
		return false;
	}
	t->mirror = mirror_start(t->loop, &spec);
	return true;
}

bool
task_run(struct task *t)
{
	if (t->stopping) {
		task_end(t, OUTCOME_CANCELLED, "cancelled", "");
		return false;
	}
	if (is_kind(t, "mirror"))
		return run_mirror(t);
	return is_kind(t, "resolve") ? run_resolve(t) : run_build(t);
}

void
task_cancel(struct task *t)
{
	if (t->engine != NULL)
		engine_cancel(t->engine);
	if (t->resolve != NULL)
		resolve_cancel(t->resolve);
	if (t->mirror != NULL)
		mirror_cancel(t->mirror);
}
