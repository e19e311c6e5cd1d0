/*
 * engine.h - one build job on one loop, from a source bundle to an audited and loaded addon.
 *
 *   UNPACK ─► CONFIGURE ─► PLAN ─► STEPS ─► COLLECT ─► LOAD ─► ended
 *    pool       child      pool   children   pool      child
 *     │           │         │        │       │ └─► TRACE │
 *     │           │         │        │       │     child │
 *     └───────────┴─────────┴────────┴───────┴───────┴───┴────► ended, with why
 *
 * All of the package's own code runs in the sandbox. The scratch folder belongs to the job; who
 * started it removes it after on_done.
 */
#ifndef BUILDER_ENGINE_ENGINE_H
#define BUILDER_ENGINE_ENGINE_H

#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/model/job_limits.h"
#include "builder/model/abi.h"
#include "builder/model/job.h"

struct configured;
struct engine;
struct json;
struct electron_release;
struct share;
struct toolchain;
struct uv_loop_s;

/* How a job ended. Valid during on_done. */
struct engine_result {
	enum job_outcome outcome;
	const char *code;        /* stable: "build-failed", "audit-failed", "limit", … */
	const char *error;       /* one line, with the compiler's own words where there are some */
	const char *addon;       /* path of the addon below the scratch folder */
	const char *file;        /* its name, "node_sqlite3.node" */
	const struct json *load; /* the load test's report */
	const struct json *commands; /* what was run (plan_commands); NULL if it did not succeed */
};

/* Everything that is pointed to must outlive the job. */
struct engine_spec {
	const char *package, *version;
	struct abi abi;
	const struct toolchain *toolchain;
	/* For an ABI of Electron: its headers (electron.h), and the folder with them. */
	const struct electron_release *electron;
	const char *electron_dir;
	const char *bundle;  /* source bundle: a tar.gz with one top folder */
	const char *source;  /* its SHA-256, 64 hex digits */
	const char *scratch; /* an empty folder for this job, an absolute path */
	const char *
		objects; /* where this package's compiled objects are kept (compiled.h); NULL: nowhere */
	struct share *share; /* of the worker, as the next one */
	struct configured *configured;
	struct job_limits limits;

	/* On the loop. on_done comes exactly once, never before engine_start has returned. */
	void (*on_log)(const char *text, size_t len, void *arg);
	void (*on_progress)(const char *stage, unsigned step, unsigned steps, void *arg);
	void (*on_done)(const struct engine_result *result, void *arg);
	void *arg;
};

struct engine *engine_start(struct uv_loop_s *loop, const struct engine_spec *spec);

/* Ends it as OUTCOME_CANCELLED as soon as what is under way has stopped. */
void engine_cancel(struct engine *engine);

#endif
