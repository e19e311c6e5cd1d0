/*
 * task.h - the work of one leased job: from the lease's answer to the result that is delivered.
 *
 *   task_begin ─► task_prepare (pool) ─► task_run (loop) ─► on_done ─► result, upload ─► task_fini
 */
#ifndef WORKERS_TASK_H
#define WORKERS_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"
#include "builder/base/strv.h"
#include "builder/model/job.h"
#include "builder/model/origin.h"

struct engine;
struct json;
struct electron_release;
struct mirror;
struct remote;
struct resolve;
struct slot_config;
struct uv_loop_s;

#define TASK_OBJECTS "objects" /* in the cache: what compiled.h keeps, a folder for each package */

/* Embedded in its slot, which sets the first part once, and may read the last one. */
struct task {
	struct uv_loop_s *loop;
	const struct slot_config *config;
	const struct remote *remote;
	const char *scratch; /* folder; emptied by task_prepare */
	bool stopping;       /* the worker stops: what is cancelled now is handed back */
	void (*on_log)(const char *text, size_t len, void *arg);
	void (*on_progress)(const char *stage, unsigned step, unsigned steps, void *arg);
	void (*on_done)(void *arg);
	void *arg;

	struct json *lease; /* the lease's answer; NULL: no job is held */
	char *source;       /* path of the bundle, or of an upload to resolve */
	char *objects;      /* folder of compiled objects */
	char *headers;      /* folder of Electron's headers, for its ABIs, and which they are */
	const struct electron_release *electron;
	struct origin origin; /* of a resolve job */
	struct engine *engine;
	struct resolve *resolve;
	struct mirror *mirror;
	struct strv urls; /* of a mirror job */

	struct json *result; /* what will be delivered; NULL as long as the job runs */
	char *upload;        /* path of the file that goes with it, or NULL */
};

/* Takes the lease's answer over. */
void task_begin(struct task *t, struct json *lease);

/* Empties the scratch folder and downloads what the job needs. Blocks. */
int task_prepare(struct task *t, struct err *e);

/* Starts the work; on_done comes once, on the loop, when it has a result. False if it has one at
 * once, and on_done does not come. */
bool task_run(struct task *t);

/* Ends what runs; on_done comes all the same. */
void task_cancel(struct task *t);

/* The result of a job that cannot be run. */
void task_end(struct task *t, enum job_outcome outcome, const char *code, const char *error);

/* Forgets the job; what the slot has set stays. */
void task_fini(struct task *t);

/* Of the job that is held. */
const char *task_job(const struct task *t); /* "j42" */
int64_t task_fence(const struct task *t);

#endif
