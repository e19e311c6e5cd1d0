/*
 * resolve.h - one resolve job: from a published package version, a git repository or an upload to a
 * source bundle, which is all that its builds will ever see.
 *
 *   FETCH ──────────────────────────► READ ────────────► INSTALL ──────────► BUNDLE ─► ended
 *   pool: registry, integrity, unpack  pool:             child: npm in the   pool
 *   child: git in the sandbox          package.json      sandbox, no scripts
 *   pool: unpack an upload
 *
 * The bundle holds the package as published and its production dependencies in node_modules, as
 * npm resolves them at the time of the version's publication (of a commit: at its time; of an upload:
 * now); it is packed deterministically, so that the same version gives the same digest on every
 * worker. Of a git repository and of an upload, what npm never publishes is left out: node_modules,
 * package-lock.json and .npmrc at the top.
 */
#ifndef BUILDER_ENGINE_RESOLVE_H
#define BUILDER_ENGINE_RESOLVE_H

#include "builder/base/digest.h"
#include "builder/model/job_limits.h"
#include "builder/model/job.h"
#include "builder/model/origin.h"

struct resolve;
struct toolchain;
struct uv_loop_s;

/* Valid during on_done. */
struct resolve_result {
	enum job_outcome outcome;
	const char *code, *error;
	const char *bundle;         /* path below the scratch folder */
	const char *origin;         /* "npm:sqlite3@6.0.1 sha512-…", "git+https://…#COMMIT" */
	const char *package;        /* what the source is, as it says itself … */
	const char *version;        /* … without what origin.h adds */
	const char *abi;            /* what the package asks to be built for by default */
	char lock[DIGEST_HEX_SIZE]; /* of the dependency lock */
};

struct resolve_spec {
	const char *package, *version; /* "": as the source says, if it is not the registry's */
	struct origin origin;
	const char *upload;    /* path of the uploaded tarball, of ORIGIN_UPLOAD */
	const char *git_hosts; /* git_hosts.h's list, or NULL */
	const char *registry;
	const struct toolchain *toolchain; /* for its root and its npm; any target's */
	const char *scratch;
	struct job_limits limits;
	void (*on_log)(const char *text, size_t len, void *arg);
	void (*on_progress)(const char *stage, unsigned step, unsigned steps, void *arg);
	void (*on_done)(const struct resolve_result *result, void *arg);
	void *arg;
};

/* As engine_start: on_done comes exactly once, on the loop, never before this has returned. */
struct resolve *resolve_start(struct uv_loop_s *loop, const struct resolve_spec *spec);
void resolve_cancel(struct resolve *r);

#endif
