#include "builder/engine/resolve.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/run.h"
#include "builder/model/abi.h"
#include "builder/pack/pack.h"
#include "builder/plan/plan.h"
#include "builder/source/default_abi.h"
#include "builder/source/registry.h"
#include "builder/source/unpack.h"
#include "builder/toolchain/toolchain.h"

#define FETCH_SECONDS    120
#define MANIFEST_MAX     (4u << 20)
#define LOCK_MAX         (32u << 20)
#define SOURCE_DEPTH     40
#define DEPENDENCIES_MAX 500

enum state { FETCH, INSTALL, BUNDLE, END };

struct resolve {
	uv_loop_t *loop;
	struct resolve_spec spec;
	enum state state;
	uv_work_t work;
	struct run *run; /* npm, while it runs */
	uint64_t memory; /* … and what it holds */
	struct buf output;
	atomic_bool cancelled; /* also read by the pool */
	struct err e;
	enum job_outcome outcome;
	const char *code;

	struct registry_version version;
	bool has_dependencies;
	char *src, *bundle, *origin;
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

/* ---- FETCH ---- */

/* A version range and nothing that would make npm fetch from elsewhere. */
static bool
is_range(const char *spec)
{
	return strlen(spec) < 200 && strpbrk(spec, ":/\\") == NULL;
}

/* npm sees the production dependencies and nothing else: no scripts to skip, no development
 * dependencies to look up. The published package.json comes back afterwards. */
static int
write_reduced_manifest(struct resolve *r, const struct json *manifest, struct err *e)
{
	const struct json *wanted = json_get(manifest, "dependencies");
	struct json *reduced = json_object();
	char *path = xasprintf("%s/package.json", r->src);
	char *kept = xasprintf("%s/package.json.published", r->spec.scratch);
	char *text;

	json_foreach (d, wanted) {
		if (!is_range(json_string(d, "/")))
			fail(r, OUTCOME_FAILED, "unsupported",
			     "dependency %.80s@%.80s does not come from the registry", json_name(d),
			     json_string(d, "?"));
	}
	r->has_dependencies = json_count(wanted) > 0;
	if (json_count(wanted) > DEPENDENCIES_MAX)
		fail(r, OUTCOME_FAILED, "limit", "more than %d dependencies", DEPENDENCIES_MAX);
	json_set_str(reduced, "name", r->spec.package);
	json_set_str(reduced, "version", r->spec.version);
	if (r->has_dependencies)
		json_set(reduced, "dependencies", json_copy(wanted));
	text = json_pretty(reduced);
	if (rename(path, kept) != 0)
		fail(r, OUTCOME_FAILED, "build-failed", "the package has no package.json");
	else
		file_write(path, text, strlen(text), 0644, e);
	free(text);
	free(kept);
	free(path);
	json_free(reduced);
	return e->code;
}

static int
read_package(struct resolve *r, struct err *e)
{
	char *gyp = xasprintf("%s/binding.gyp", r->src);
	struct json *manifest = json_parse(r->version.manifest, strlen(r->version.manifest), e);

	if (manifest == NULL)
		goto out;
	if (!file_exists(gyp))
		fail(r, OUTCOME_FAILED, "unsupported",
		     "%s@%s has no binding.gyp: it is no addon that can be built", r->spec.package,
		     r->spec.version);
	else
		abi_text(default_abi(r->src, manifest, r->spec.toolchain->node_abi), r->abi);
	if (r->e.code == 0)
		write_reduced_manifest(r, manifest, e);
out:
	json_free(manifest);
	free(gyp);
	return e->code;
}

static int
fetch_and_unpack(struct resolve *r, struct err *e)
{
	const struct job_limits *l = &r->spec.limits;
	struct fetch_limits limits = {
		.bytes = l->source_packed, .seconds = FETCH_SECONDS, .cancel = &r->cancelled};
	char *tarball = xasprintf("%s/package.tgz", r->spec.scratch);
	int code;

	code = registry_version_get(r->spec.registry, r->spec.package, r->spec.version, &limits,
				    &r->version, e);
	if (code == 0)
		code = registry_tarball(&r->version, &limits, tarball, e);
	if (code == 0)
		code = file_mkdirs(r->src, 0755, e);
	if (code == 0)
		code = unpack_file(tarball, r->src,
				   &(struct unpack_limits){.bytes = l->source_unpacked,
							   .entries = l->source_entries,
							   .depth = SOURCE_DEPTH,
							   .strip = 1},
				   e);
	free(tarball);
	return code;
}

static void
fetch_on_pool(uv_work_t *w)
{
	struct resolve *r = w->data;
	struct err e = {0};

	if (fetch_and_unpack(r, &e) == 0 && read_package(r, &e) == 0)
		return;
	switch (e.code) {
	case ERR_NOT_FOUND:
		fail(r, OUTCOME_FAILED,
		     strstr(e.msg, "version") != NULL ? "unknown-version" : "unknown-package", "%s",
		     e.msg);
		break;
	case ERR_MALFORMED:
	case ERR_LIMIT:
	case ERR_TOO_LARGE:
	case ERR_DIGEST:
	case ERR_UNSUPPORTED:
	case ERR_INVALID:
		fail(r, OUTCOME_FAILED, err_name(e.code), "%s", e.msg);
		break;
	default:
		fail(r, OUTCOME_ERROR, err_name(e.code), "%s", e.msg);
	}
}

/* ---- INSTALL ---- */

/* What the worker's machine needs to reach its registry; nothing of it is visible in a build. */
static void
open_network(struct sandbox *s, struct strv *env)
{
	static const char *const files[] = {
		"/etc/resolv.conf",
		"/etc/hosts",
		"/etc/nsswitch.conf",
		"/etc/ssl",
	};
	static const char *const variables[] = {
		"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	};

	s->network = true;
	sandbox_mount(s, NULL, "/etc", false);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (file_exists(files[i]))
			sandbox_mount(s, files[i], files[i], false);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (getenv(variables[i]) != NULL)
			strv_addf(env, "%s=%s", variables[i], getenv(variables[i]));
	if (file_exists("/etc/ssl/certs/ca-certificates.crt"))
		strv_add(env, "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt");
}

static void
on_output(const char *data, size_t len, void *arg)
{
	struct resolve *r = arg;

	r->spec.on_log(data, len, r->spec.arg);
	if (r->output.len + len < 16 * 1024)
		buf_add(&r->output, data, len);
}

static void
installed(const struct run_end *end, void *arg)
{
	struct resolve *r = arg;
	const char *why = r->output.len > 0 ? strstr(r->output.data, "npm error") : NULL;

	r->run = NULL;
	if (!end->ok && !r->cancelled)
		/* Whether the registry or the package is to blame cannot be told from outside: it
		 * is tried again, a few times. */
		fail(r, OUTCOME_ERROR, "dependencies", "npm could not install: %s%s%.*s", end->what,
		     why != NULL ? ": " : "", (int)strcspn(why != NULL ? why : "", "\n"),
		     why != NULL ? why : "");
	next_state(r);
}

static void
install(struct resolve *r)
{
	const struct job_limits *l = &r->spec.limits;
	struct run_spec spec = {
		.scratch = r->spec.scratch,
		.limits = l,
		.job_memory = &r->memory,
		.timeout_ms = l->resolve_ms,
		.on_output = on_output,
		.on_end = installed,
		.arg = r,
	};
	struct err e = {0};

	spec.sandbox = (struct sandbox){
		.root = r->spec.toolchain->root,
		.cwd = PLAN_SOURCE,
		.limits = {.cpu_seconds = (unsigned)(l->step_ms / 1000),
			   .address_space = 64ull << 30,
			   .file_size = l->file_size,
			   .processes = (unsigned)l->processes,
			   .open_files = 4096,
			   .tmp_size = 256u << 20},
	};
	strv_add(&spec.env, "PATH=" NODE_MOUNT "/bin:/usr/bin:/bin");
	strv_add(&spec.env, "HOME=/tmp");
	strv_add(&spec.env, "LANG=C.UTF-8");
	open_network(&spec.sandbox, &spec.env);
	sandbox_mount(&spec.sandbox, r->spec.toolchain->node, NODE_MOUNT, false);
	sandbox_mount(&spec.sandbox, r->spec.scratch, PLAN_WORK, true);
	strv_add(&spec.argv, NODE_MOUNT "/bin/node");
	strv_add(&spec.argv, NODE_MOUNT "/lib/node_modules/npm/bin/npm-cli.js");
	strv_add(&spec.argv, "install");
	strv_add(&spec.argv, "--ignore-scripts");
	strv_add(&spec.argv, "--omit=optional");
	strv_add(&spec.argv, "--legacy-peer-deps");
	strv_add(&spec.argv, "--no-audit");
	strv_add(&spec.argv, "--no-fund");
	strv_add(&spec.argv, "--no-update-notifier");
	strv_add(&spec.argv, "--install-links=false");
	strv_add(&spec.argv, "--omit-lockfile-registry-resolved");
	strv_add(&spec.argv, "--loglevel=error");
	strv_add(&spec.argv, "--cache=" PLAN_WORK "/npm-cache");
	strv_addf(&spec.argv, "--registry=%s", r->spec.registry);
	if (r->version.published != NULL)
		strv_addf(&spec.argv, "--before=%s", r->version.published);
	if (run_start(r->loop, &spec, &r->run, &e) != 0) {
		fail(r, OUTCOME_ERROR, "worker-failed", "%s", e.msg);
		next_state(r);
	}
	strv_fini(&spec.env);
	strv_fini(&spec.argv);
}

/* ---- BUNDLE ---- */

/* With omit-lockfile-registry-resolved, an entry that still says where it comes from comes from
 * outside the registry. */
static void
check_lock(struct resolve *r, const struct buf *text)
{
	struct json *lock = json_parse(text->data, text->len, NULL);

	json_foreach (p, json_get(lock, "packages")) {
		if (json_name(p)[0] == '\0')
			continue;
		if (json_str(p, "resolved", NULL) != NULL || json_str(p, "integrity", NULL) == NULL)
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
	char *kept = xasprintf("%s/package.json.published", r->spec.scratch);
	char *manifest = xasprintf("%s/package.json", r->src);
	struct buf text = {0};
	struct digest d;

	buf_adds(&text, "");
	if (r->has_dependencies && file_read(lock, LOCK_MAX, &text, e) != 0)
		goto out;
	check_lock(r, &text);
	digest_bytes(text.data, text.len, &d);
	digest_hex(&d, r->lock);
	unlink(lock);
	unlink(hidden);
	if (rename(kept, manifest) != 0)
		err_set(e, ERR_INTERNAL, "package.json is gone");
	else if (r->e.code == 0)
		pack_tree(r->src, "package", r->bundle, e);
out:
	buf_fini(&text);
	free(lock);
	free(hidden);
	free(kept);
	free(manifest);
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
	registry_version_fini(&r->version);
	buf_fini(&r->output);
	free(r->src);
	free(r->bundle);
	free(r->origin);
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
	static const enum state after[] = {[FETCH] = INSTALL, [INSTALL] = BUNDLE, [BUNDLE] = END};

	r->state = r->e.code != 0 || r->cancelled ? END : after[r->state];
	if (r->state == INSTALL && !r->has_dependencies)
		r->state = BUNDLE;
	switch (r->state) {
	case INSTALL:
		r->origin = xasprintf("npm:%s@%s %s", r->spec.package, r->spec.version,
				      r->version.integrity);
		say(r, "source %s", r->origin);
		say(r, "resolving dependencies as of %s",
		    r->version.published != NULL ? r->version.published : "today");
		r->spec.on_progress("resolve dependencies", 0, 0, r->spec.arg);
		install(r);
		break;
	case BUNDLE:
		if (r->origin == NULL)
			r->origin = xasprintf("npm:%s@%s %s", r->spec.package, r->spec.version,
					      r->version.integrity);
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
	r->bundle = xasprintf("%s/bundle.tar.gz", spec->scratch);
	say(r, "%s@%s: asking the registry", spec->package, spec->version);
	r->spec.on_progress("fetch", 0, 0, r->spec.arg);
	on_pool(r, fetch_on_pool);
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	r->cancelled = true;
	if (r->run != NULL)
		run_cancel(r->run);
}
