/*
 * run.h - one command in the sandbox, watched: wall time and output by the child, memory and disk
 * by a look at all its processes and at the scratch folder twice a second.
 */
#ifndef BUILDER_ENGINE_RUN_H
#define BUILDER_ENGINE_RUN_H

#include "builder/base/err.h"
#include "builder/base/strv.h"
#include "builder/model/job_limits.h"
#include "builder/sandbox/sandbox.h"

struct uv_loop_s;
struct run;

struct run_end {
	bool ok;        /* exited with 0 */
	char what[256]; /* else: "exit status 1", "memory limit (4096 MiB)", … */
	bool limited;   /* we killed it because of a limit */
};

struct run_spec {
	struct sandbox sandbox;
	struct strv env, argv; /* copied */
	const char *scratch;   /* folder whose size is watched; must outlive the run */
	const struct job_limits *limits;
	/* What all runs of the job hold in memory: each keeps its own part of it up to date, and is
	 * ended when the sum is too much. Bytes; must outlive the run. */
	uint64_t *job_memory;
	uint64_t timeout_ms;
	void (*on_output)(const char *data, size_t len, void *arg);
	void (*on_tick)(void *arg); /* twice a second while it runs; may be NULL */
	void (*on_end)(const struct run_end *end, void *arg); /* exactly once, on the loop */
	void *arg;
};

/* 0, or an error of this machine (the command did not start). On failure nothing calls back. */
int run_start(struct uv_loop_s *loop, const struct run_spec *spec, struct run **out, struct err *e);

/* Ends it early: on_end still comes. */
void run_cancel(struct run *r);

#endif
