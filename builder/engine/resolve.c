#include "builder/engine/resolve.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/clone.h"
#include "builder/engine/manifest.h"
#include "builder/engine/npm.h"
#include "builder/engine/online.h"
#include "builder/engine/run.h"
#include "builder/model/abi.h"
#include "builder/pack/pack.h"
#include "builder/plan/plan.h"
#include "builder/source/default_abi.h"
#include "builder/source/registry.h"
#include "builder/source/unpack.h"
#include "builder/toolchain/toolchain.h"

#define FETCH_SECONDS 120
#define LOCK_MAX      (32u << 20)
#define SOURCE_DEPTH  40
/* How much later than a version a mirror may have fetched what the version needs. */
#define MIRROR_DELAY_SECONDS (30 * 86400)
#define TIME_SIZE            48 /* RFC 3339 with a fraction and an offset */

enum state { FETCH, READ, INSTALL, BUNDLE, END };

struct resolve {
	uv_loop_t *loop;
	struct resolve_spec spec;
	enum state state;
	uv_work_t work;
	struct run *run; /* git or npm, while it runs */
	uint64_t memory; /* … and what it holds */
	struct buf output;
	atomic_bool cancelled; /* also read by the pool */
	struct err e;
	enum job_outcome outcome;
	const char *code;

	struct registry_version registry; /* of ORIGIN_REGISTRY */
	struct run_spec clone;            /* of ORIGIN_GIT, as the next one */
	struct git_found git;
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	bool has_dependencies;
	char *src, *kept, *bundle, *origin;
	char *hosts;            /* that npm may ask, separated by commas; NULL for any */
	char before[TIME_SIZE]; /* dependencies as of then; "" for now */
	bool waited;            /* … which is later already than the source's own time */
	char abi[ABI_TEXT_SIZE];
	char lock[DIGEST_HEX_SIZE];
};

static void next_state(struct resolve *r);

static void say(struct resolve *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct resolve *r, const char *fmt, ...)
{
	struct buf line = {0};
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_addf(&line, "==> %s\n", text);
	r->spec.on_log(line.data, line.len, r->spec.arg);
	buf_fini(&line);
}

static void fail(struct resolve *r, enum job_outcome outcome, const char *code, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));

static void
fail(struct resolve *r, enum job_outcome outcome, const char *code, const char *fmt, ...)
{
	char text[sizeof r->e.msg];
	va_list ap;

	if (r->e.code != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&r->e, ERR_BUILD, "%s", text);
	r->outcome = outcome;
	r->code = code;
}

/* The error of a step that fetches or reads: of the source for ever, or of this try. */
static void
fail_by(struct resolve *r, const struct err *e)
{
	bool registry = r->spec.origin.kind == ORIGIN_REGISTRY;

	switch (e->code) {
	case ERR_NOT_FOUND:
		fail(r, OUTCOME_FAILED,
		     !registry                           ? err_name(e->code)
		     : strstr(e->msg, "version") != NULL ? "unknown-version"
							 : "unknown-package",
		     "%s", e->msg);
		break;
	case ERR_FORBIDDEN:
		/* A registry may have had enough of us for now. */
		fail(r, registry ? OUTCOME_ERROR : OUTCOME_FAILED, err_name(e->code), "%s", e->msg);
		break;
	case ERR_MALFORMED:
	case ERR_LIMIT:
	case ERR_TOO_LARGE:
	case ERR_DIGEST:
	case ERR_UNSUPPORTED:
	case ERR_INVALID:
	case ERR_BUILD:
		fail(r, OUTCOME_FAILED, err_name(e->code), "%s", e->msg);
		break;
	default:
		fail(r, OUTCOME_ERROR, err_name(e->code), "%s", e->msg);
	}
}

/* ---- FETCH ---- */

static int
unpack_source(struct resolve *r, const char *tarball, bool links, struct err *e)
{
	const struct job_limits *l = &r->spec.limits;

	if (file_mkdirs(r->src, 0755, e) != 0)
		return e->code;
	return unpack_file(tarball, r->src,
			   &(struct unpack_limits){.bytes = l->source_unpacked,
						   .entries = l->source_entries,
						   .depth = SOURCE_DEPTH,
						   .allow_links = links,
						   .strip = 1},
			   e);
}

/* The registry, and who it has sent us to for the tarball: for that of a dependency it will do the same. */
static void
set_hosts(struct resolve *r, const char *answered)
{
	char *registry = fetch_host(r->spec.registry);

	if (registry != NULL && answered != NULL)
		r->hosts = xasprintf("%s,%s", registry, answered);
	free(registry);
}

static int
fetch_published(struct resolve *r, struct err *e)
{
	struct fetch_limits limits = {.bytes = r->spec.limits.source_packed,
				      .seconds = FETCH_SECONDS,
				      .cancel = &r->cancelled};
	char *tarball = xasprintf("%s/package.tgz", r->spec.scratch), *host = NULL;
	int code;

	code = registry_version_get(r->spec.registry, r->spec.package, r->spec.version, &limits,
				    &r->registry, e);
	if (code == 0)
		code = registry_tarball(&r->registry, &limits, tarball, &host, e);
	set_hosts(r, host);
	if (code == 0)
		code = unpack_source(r, tarball, false, e);
	free(tarball);
	free(host);
	return code;
}

static void
fetch_on_pool(uv_work_t *w)
{
	struct resolve *r = w->data;
	struct err e = {0};

	if (r->spec.origin.kind == ORIGIN_UPLOAD)
		/* A folder may have links within itself; npm never publishes any. */
		unpack_source(r, r->spec.upload, true, &e);
	else
		fetch_published(r, &e);
	if (e.code != 0)
		fail_by(r, &e);
}

static void
cloned(const struct run_end *end, void *arg)
{
	struct resolve *r = arg;
	struct err e = {0};

	r->run = NULL;
	if (!end->ok && !r->cancelled)
		fail(r, end->limited ? OUTCOME_FAILED : OUTCOME_ERROR,
		     end->limited ? "limit" : "worker-failed", "git: %s", end->what);
	else if (!r->cancelled && clone_result(r->spec.scratch, &r->git, &e) != 0)
		fail_by(r, &e);
	next_state(r);
}

static void
on_clone_output(const char *data, size_t len, void *arg)
{
	struct resolve *r = arg;

	r->spec.on_log(data, len, r->spec.arg);
}

static void
prepare_clone_on_pool(uv_work_t *w)
{
	struct resolve *r = w->data;
	struct err e = {0};

	if (clone_prepare(&r->spec.origin, r->spec.git_hosts, r->spec.toolchain, r->spec.scratch,
			  &r->spec.limits, &r->clone, &e) != 0)
		fail(r, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
}

static void
clone_prepared(uv_work_t *w, int status)
{
	struct resolve *r = w->data;
	struct err e = {0};

	(void)status;
	r->clone.job_memory = &r->memory;
	r->clone.on_output = on_clone_output;
	r->clone.on_end = cloned;
	r->clone.arg = r;
	if (r->e.code == 0 && !r->cancelled && run_start(r->loop, &r->clone, &r->run, &e) != 0)
		fail(r, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
	strv_fini(&r->clone.env);
	strv_fini(&r->clone.argv);
	if (r->run == NULL)
		next_state(r);
}

/* ---- READ ---- */

/* npm runs in the source's folder, with the network: no package says which settings it has (they name
 * registries, and programs to run), or where dependencies come from. What is installed in a repository or a
 * folder is nobody's release; a published package may bundle some. */
static int
remove_private(const struct resolve *r, struct err *e)
{
	static const char *const names[] = {".npmrc", "package-lock.json", "npm-shrinkwrap.json",
					    "node_modules/.package-lock.json", "node_modules"};
	size_t n = ARRAY_SIZE(names) - (r->spec.origin.kind == ORIGIN_REGISTRY ? 1 : 0);

	for (size_t i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", r->src, names[i]);

		file_remove_tree(path, e);
		free(path);
	}
	return e->code;
}

/* How the source is recorded, and as of when its dependencies are resolved. */
static void
set_origin(struct resolve *r)
{
	const struct origin *o = &r->spec.origin;

	switch (o->kind) {
	case ORIGIN_GIT:
		r->origin = xasprintf("git+%s#%s", o->url, r->git.commit);
		if (r->git.time > 0 && r->git.time * 1000 < clock_wall_ms())
			clock_rfc3339(r->git.time * 1000, r->before);
		break;
	case ORIGIN_UPLOAD:
		r->origin = origin_text(o);
		break;
	default:
		r->origin =
			xasprintf("npm:%s@%s %s", r->package, r->version, r->registry.integrity);
		if (r->registry.published != NULL)
			snprintf(r->before, sizeof r->before, "%s", r->registry.published);
	}
}

static int
read_package(struct resolve *r, struct err *e)
{
	const char *package = r->spec.package, *version = r->spec.version;
	char *gyp = xasprintf("%s/binding.gyp", r->src);
	struct json *manifest = NULL;

	remove_private(r, e);
	if (r->spec.origin.kind == ORIGIN_REGISTRY)
		manifest = json_parse(r->registry.manifest, strlen(r->registry.manifest), e);
	else if (e->code == 0)
		manifest_read(r->src, package, version, &manifest, e);
	if (e->code == 0)
		manifest_identify(manifest, package, version, r->package, r->version, e);
	if (e->code == 0 && !file_exists(gyp))
		err_set(e, ERR_UNSUPPORTED,
			"%s@%s has no binding.gyp: it is no addon that can be built", r->package,
			r->version);
	if (e->code == 0)
		abi_text(default_abi(r->src, manifest, r->spec.toolchain->node_abi), r->abi);
	if (e->code == 0)
		manifest_reduce(r->src, r->kept, manifest, r->package, r->version,
				&r->has_dependencies, e);
	json_free(manifest);
	free(gyp);
	return e->code;
}

static void
read_on_pool(uv_work_t *w)
{
	struct resolve *r = w->data;
	struct err e = {0};

	if (read_package(r, &e) != 0)
		fail_by(r, &e);
	else
		set_origin(r);
}

/* ---- INSTALL ---- */

static void
on_output(const char *data, size_t len, void *arg)
{
	struct resolve *r = arg;

	r->spec.on_log(data, len, r->spec.arg);
	if (r->output.len + len < 16 * 1024)
		buf_add(&r->output, data, len);
}

static void install(struct resolve *r);

/* A mirror of the registry may say for the time of publication when it fetched a version first: then a
 * dependency seems newer than what needs it. */
static bool
wait_longer(struct resolve *r)
{
	struct tm tm = {0};

	if (r->waited || r->spec.origin.kind != ORIGIN_REGISTRY || !npm_found_none(&r->output) ||
	    strptime(r->before, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return false;
	r->waited = true;
	clock_rfc3339(((int64_t)timegm(&tm) + MIRROR_DELAY_SECONDS) * 1000, r->before);
	r->output.len = 0;
	say(r, "npm finds no version as old as that; trying as of %s", r->before);
	return true;
}

static void
fail_install(struct resolve *r, const struct run_end *end)
{
	char *url = npm_wanted_elsewhere(&r->output), *why = npm_error(&r->output);

	if (url != NULL)
		fail(r, OUTCOME_FAILED, "unsupported",
		     "a dependency comes from %s, which is not the registry", url);
	else
		/* Whether the registry or the package is to blame cannot be told from outside: it
		 * is tried again, a few times. */
		fail(r, OUTCOME_ERROR, "dependencies", "npm could not install: %s%s%s", end->what,
		     why != NULL ? ": " : "", why != NULL ? why : "");
	free(url);
	free(why);
}

static void
installed(const struct run_end *end, void *arg)
{
	struct resolve *r = arg;

	r->run = NULL;
	if (!end->ok && !r->cancelled && wait_longer(r)) {
		install(r);
		return;
	}
	if (!end->ok && !r->cancelled)
		fail_install(r, end);
	next_state(r);
}

static void
install(struct resolve *r)
{
	struct run_spec spec =
		online_spec(r->spec.toolchain, r->spec.scratch, PLAN_SOURCE, &r->spec.limits);
	struct err e = {0};

	spec.job_memory = &r->memory;
	spec.timeout_ms = r->spec.limits.resolve_ms;
	spec.on_output = on_output;
	spec.on_end = installed;
	spec.arg = r;
	if (file_exists("/etc/ssl/certs/ca-certificates.crt"))
		strv_add(&spec.env, "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt");
	sandbox_mount(&spec.sandbox, r->spec.toolchain->node, NODE_MOUNT, false);
	npm_install(r->spec.registry, r->hosts, r->before, &spec.env, &spec.argv);
	if (run_start(r->loop, &spec, &r->run, &e) != 0) {
		fail(r, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
		next_state(r);
	}
	strv_fini(&spec.env);
	strv_fini(&spec.argv);
}

/* ---- BUNDLE ---- */

/* With omit-lockfile-registry-resolved, an entry that still says where it comes from comes from
 * outside the registry. What a package bundles came in its own tarball. */
static void
check_lock(struct resolve *r, const struct buf *text)
{
	struct err e = {0};
	struct json *lock = json_parse(text->data, text->len, &e);

	/* A text of any dependency is in it: what cannot be read is not taken for harmless. */
	if (json_get(lock, "packages") == NULL)
		fail(r, OUTCOME_FAILED, err_name(ERR_MALFORMED), "package-lock.json: %s",
		     e.code != 0 ? e.msg : "it names no packages");
	json_foreach (p, json_get(lock, "packages")) {
		if (json_name(p)[0] == '\0')
			continue;
		if (json_str(p, "resolved", NULL) != NULL ||
		    (json_str(p, "integrity", NULL) == NULL && !json_bool(p, "inBundle", false)))
			fail(r, OUTCOME_FAILED, "unsupported",
			     "dependency %.100s does not come from the registry", json_name(p));
	}
	json_free(lock);
}

static int
bundle(struct resolve *r, struct err *e)
{
	char *lock = xasprintf("%s/package-lock.json", r->src);
	char *hidden = xasprintf("%s/node_modules/.package-lock.json", r->src);
	struct buf text = {0};
	struct digest d;

	buf_adds(&text, "");
	if (r->has_dependencies && file_read(lock, LOCK_MAX, &text, e) != 0)
		goto out;
	if (r->has_dependencies)
		check_lock(r, &text);
	digest_bytes(text.data, text.len, &d);
	digest_hex(&d, r->lock);
	unlink(lock);
	unlink(hidden);
	if (manifest_restore(r->src, r->kept, e) == 0 && r->e.code == 0)
		pack_tree(r->src, "package", r->bundle, e);
out:
	buf_fini(&text);
	free(lock);
	free(hidden);
	return e->code;
}

static void
bundle_on_pool(uv_work_t *w)
{
	struct resolve *r = w->data;
	struct err e = {0};

	if (bundle(r, &e) != 0)
		fail(r, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
}

/* ---- the machine ---- */

static void
finish(struct resolve *r)
{
	struct resolve_result result = {
		.outcome = OUTCOME_SUCCEEDED,
		.bundle = r->bundle,
		.origin = r->origin,
		.package = r->package,
		.version = r->version,
		.abi = r->abi,
	};

	memcpy(result.lock, r->lock, sizeof result.lock);
	if (r->cancelled) {
		result.outcome = OUTCOME_CANCELLED;
		result.code = "cancelled";
		result.error = "the job was cancelled";
	} else if (r->e.code != 0) {
		result.outcome = r->outcome;
		result.code = r->code;
		result.error = r->e.msg;
		say(r, "%s: %s", job_outcome_name(r->outcome), r->e.msg);
	}
	r->spec.on_done(&result, r->spec.arg);
	registry_version_fini(&r->registry);
	buf_fini(&r->output);
	free(r->src);
	free(r->kept);
	free(r->bundle);
	free(r->origin);
	free(r->hosts);
	free(r);
}

static void
worked(uv_work_t *w, int status)
{
	(void)status;
	next_state(w->data);
}

static void
on_pool(struct resolve *r, uv_work_cb work)
{
	r->work.data = r;
	uv_queue_work(r->loop, &r->work, work, worked);
}

static void
next_state(struct resolve *r)
{
	static const enum state after[] = {
		[FETCH] = READ, [READ] = INSTALL, [INSTALL] = BUNDLE, [BUNDLE] = END};

	if (r->state == READ && r->origin != NULL)
		say(r, "source %s", r->origin);
	r->state = r->e.code != 0 || r->cancelled ? END : after[r->state];
	if (r->state == INSTALL && !r->has_dependencies)
		r->state = BUNDLE;
	switch (r->state) {
	case READ:
		on_pool(r, read_on_pool);
		break;
	case INSTALL:
		say(r, "resolving dependencies as of %s",
		    r->before[0] != '\0' ? r->before : "today");
		r->spec.on_progress("resolve dependencies", 0, 0, r->spec.arg);
		install(r);
		break;
	case BUNDLE:
		r->spec.on_progress("bundle", 0, 0, r->spec.arg);
		on_pool(r, bundle_on_pool);
		break;
	case FETCH:
	case END:
		finish(r);
		break;
	}
}

struct resolve *
resolve_start(struct uv_loop_s *loop, const struct resolve_spec *spec)
{
	struct resolve *r = xcalloc(1, sizeof *r);

	r->loop = loop;
	r->spec = *spec;
	r->src = xasprintf("%s/src", spec->scratch);
	r->kept = xasprintf("%s/package.json.published", spec->scratch);
	r->bundle = xasprintf("%s/bundle.tar.gz", spec->scratch);
	r->spec.on_progress("fetch", 0, 0, r->spec.arg);
	switch (spec->origin.kind) {
	case ORIGIN_GIT:
		say(r, "git: fetching %s of %s", spec->origin.ref, spec->origin.url);
		r->work.data = r;
		uv_queue_work(loop, &r->work, prepare_clone_on_pool, clone_prepared);
		break;
	case ORIGIN_UPLOAD:
		say(r, "unpacking the upload %s", spec->origin.digest);
		on_pool(r, fetch_on_pool);
		break;
	default:
		say(r, "%s@%s: asking the registry", spec->package, spec->version);
		on_pool(r, fetch_on_pool);
	}
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	r->cancelled = true;
	if (r->run != NULL)
		run_cancel(r->run);
}
