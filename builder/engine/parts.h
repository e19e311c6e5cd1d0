/*
 * parts.h - what the parts of a build job share: engine.c (the state machine), command.c (its
 * commands in the sandbox), configure.c, steps.c and trace.c (the states of these names). Private to
 * builder/engine.
 */
#ifndef BUILDER_ENGINE_PARTS_H
#define BUILDER_ENGINE_PARTS_H

#include <stdbool.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/err.h"
#include "builder/engine/configured.h"
#include "builder/engine/engine.h"
#include "builder/engine/run.h"
#include "builder/engine/share.h"
#include "builder/plan/plan.h"

enum state { UNPACK, CONFIGURE, PLAN, STEPS, COLLECT, TRACE, LOAD, END };

/* A step that runs, or a single command of another state (step = -1). */
struct command {
	struct command *next;
	struct engine *engine;
	struct run *run;
	long step;
	struct buf output; /* its end, for the error message */
	size_t told;       /* bytes of it that are in the log already */
	void *data;        /* of who started it */
};

struct step_state {
	enum { STEP_BLOCKED, STEP_READY, STEP_BEGUN, STEP_ENDED } state;
	int64_t due; /* once it is ready (share.h) */
};

struct engine {
	uv_loop_t *loop;
	struct engine_spec spec;
	enum state state;
	uv_work_t work;
	struct err e;             /* of the work under way */
	enum job_outcome outcome; /* of e, if it is set */
	const char *code;
	bool cancelled;

	/* CONFIGURE */
	struct strv gyp_flags;       /* what the package itself needs, read while it is unpacked */
	struct digest configuration; /* the key */
	struct configured_waiter waiter;
	bool waits, makes; /* for another job; for those that wait */
	struct digest before;
	bool shareable;
	struct buf plan_file, config_file; /* of another job, or for them */

	/* STEPS */
	struct plan plan;
	struct share_member member;
	struct command *commands; /* running */
	uint64_t memory;          /* … and what they hold */
	struct step_state *steps; /* one for each of the plan */
	bool sized, small;        /* as a whole (share.h), once that is known */
	int64_t begun_ms;         /* when STEPS began, clock_mono_ms */
	size_t started, finished, running;
	uint64_t spent_ms, busy_since; /* time that steps ran; since when they run now */

	/* COLLECT, for TRACE: why the audit refuses the addon, and symbols that it does so for */
	char *refusal;
	struct strv blamed;

	char *addon;   /* the result's path outside the sandbox */
	char *runtime; /* what loads it */
	struct json *load;
};

/* Writes a line to the job's log. */
void engine_say(struct engine *en, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void engine_progress(struct engine *en, const char *stage, size_t step, size_t steps);

/* Records why the job fails. The first failure decides; what fails because of it adds nothing. */
void engine_fail(struct engine *en, enum job_outcome outcome, const char *code, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));

/* The state's work is done, or has failed: goes on. May free the job. */
void engine_next(struct engine *en);

/* Starts a command in the job's sandbox; on_end gets the struct command. Returns non-zero, with
 * the failure recorded, if it did not start. */
int command_start(struct engine *en, long step, const struct strv *argv, const char *cwd,
		  uint64_t timeout_ms, void (*on_end)(const struct run_end *, void *));

/* Puts what a command has printed into the log. */
void command_flush(struct command *c);

/* Flushes a command's output, and says in the job's error what went wrong. */
void command_judge(struct command *c, const struct run_end *end, const char *label);
void command_end(struct command *c);

/* Ends all that run; their on_end still comes. */
void command_cancel_all(struct engine *en);

/* The environment of every command. */
void command_env(const struct engine *en, struct strv *env);

/* CONFIGURE: evaluates binding.gyp, then calls engine_next. */
void configure_begin(struct engine *en);

/* Whether it was only waiting for another job: the caller goes on with engine_next then. */
bool configure_cancel(struct engine *en);

/* Where Electron's headers are mounted: no other place can be made in the sandbox. */
#define ELECTRON_MOUNT PLAN_WORK "/electron"

/* The folder whose include/node the addon is compiled with: "/node", "/node/abi/127" or ELECTRON_MOUNT. Appends. */
void command_node(const struct engine *en, struct buf *out);

/* STEPS: runs the plan, then calls engine_next. */
void steps_begin(struct engine *en);

/* Runs one step, which holds a place; steps_ended comes once it has ended. Returns non-zero, with the
 * failure recorded, if it did not start. */
int step_start(struct engine *en, long step, uint64_t timeout_ms);
void steps_ended(struct engine *en, long step);

/* TRACE: fails the job, and says which sources are to blame; then calls engine_next. */
void trace_begin(struct engine *en);

/* The source, as in its step's label, of the object file that a line of the linker's names; NULL if
 * it names none of the job's. */
const char *trace_source(const struct engine *en, const char *line);

#endif
