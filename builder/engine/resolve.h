/*
 * resolve.h - one resolve job: from a published package version to a source bundle, which is all
 * that its builds will ever see.
 *
 *   FETCH ─────────────► INSTALL ──────────► BUNDLE ─► ended
 *   pool: registry,      child: npm in the   pool
 *   integrity, unpack    sandbox, no scripts
 *
 * The bundle holds the package as published and its production dependencies in node_modules, as
 * npm resolves them at the time of the version's publication; it is packed deterministically, so
 * that the same version gives the same digest on every worker.
 */
#ifndef BUILDER_ENGINE_RESOLVE_H
#define BUILDER_ENGINE_RESOLVE_H

#include "builder/base/digest.h"
#include "builder/model/job_limits.h"
#include "builder/model/job.h"

struct resolve;
struct toolchain;
struct uv_loop_s;

/* Valid during on_done. */
struct resolve_result {
	enum job_outcome outcome;
	const char *code, *error;
	const char *bundle;         /* path below the scratch folder */
	const char *origin;         /* "npm:sqlite3@6.0.1 sha512-…" */
	const char *abi;            /* what the package asks to be built for by default */
	char lock[DIGEST_HEX_SIZE]; /* of the dependency lock */
};

struct resolve_spec {
	const char *package, *version;
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
