#include "builder/engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/engine/usage.h"
#include "builder/loop/child.h"

#define WATCH_MS 500

/*
 * A look is taken on the pool, because walking a scratch folder may block; the run is freed when
 * both the child has ended and no look is under way.
 */
struct run {
	uv_timer_t timer;
	uv_work_t look;
	struct child *child;
	struct run_spec spec;
	struct run_end end;
	char reason[128]; /* of a limit, for child_kill */
	int pid;
	uint64_t memory, disk; /* what the last look saw */
	uint64_t counted;      /* of memory, in the job's sum */
	bool looking, ended;
};

static void
on_timer_closed(uv_handle_t *h)
{
	struct run *r = h->data;

	r->spec.on_end(&r->end, r->spec.arg);
	free(r);
}

static void
maybe_close(struct run *r)
{
	if (r->ended && !r->looking)
		uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

static void
look_on_pool(uv_work_t *w)
{
	struct run *r = w->data;
	uint64_t entries;

	r->memory = usage_memory(r->pid);
	file_tree_usage(r->spec.scratch, r->spec.limits->disk, &r->disk, &entries);
}

static void
count_memory(struct run *r, uint64_t bytes)
{
	*r->spec.job_memory += bytes - r->counted;
	r->counted = bytes;
}

static void
looked(uv_work_t *w, int status)
{
	struct run *r = w->data;
	const struct job_limits *l = r->spec.limits;

	(void)status;
	r->looking = false;
	if (!r->ended && r->reason[0] == '\0') {
		count_memory(r, r->memory);
		if (*r->spec.job_memory > l->memory)
			snprintf(r->reason, sizeof r->reason, "memory limit (%llu MiB)",
				 (unsigned long long)(l->memory >> 20));
		else if (r->disk > l->disk)
			snprintf(r->reason, sizeof r->reason, "disk limit (%llu MiB)",
				 (unsigned long long)(l->disk >> 20));
		if (r->reason[0] != '\0')
			child_kill(r->child, r->reason);
	}
	maybe_close(r);
}

static void
on_watch(uv_timer_t *timer)
{
	struct run *r = timer->data;

	if (r->spec.on_tick != NULL && !r->ended)
		r->spec.on_tick(r->spec.arg);
	if (r->looking || r->ended)
		return;
	r->look.data = r;
	r->looking = uv_queue_work(timer->loop, &r->look, look_on_pool, looked) == 0;
}

static void
on_child_output(const char *data, size_t len, void *arg)
{
	struct run *r = arg;

	if (r->spec.on_output != NULL)
		r->spec.on_output(data, len, r->spec.arg);
}

static void
on_child_end(const struct child_result *result, void *arg)
{
	struct run *r = arg;
	struct run_end *end = &r->end;

	r->ended = true;
	count_memory(r, 0);
	end->ok = result->reason == NULL && result->status == 0 && result->signal == 0;
	end->limited = result->reason != NULL;
	if (result->reason != NULL && strcmp(result->reason, "timeout") == 0)
		snprintf(end->what, sizeof end->what, "time limit (%llu s)",
			 (unsigned long long)(r->spec.timeout_ms / 1000));
	else if (result->reason != NULL)
		snprintf(end->what, sizeof end->what, "%s", result->reason);
	else if (result->signal != 0)
		snprintf(end->what, sizeof end->what, "killed by signal %d", result->signal);
	else
		snprintf(end->what, sizeof end->what, "exit status %d", (int)result->status);
	uv_timer_stop(&r->timer);
	maybe_close(r);
}

int
run_start(struct uv_loop_s *loop, const struct run_spec *spec, struct run **out, struct err *e)
{
	/* bwrap is process 1 in the sandbox and its own environment can be read there: it gets none of
	 * ours, which may hold credentials. */
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	struct strv command = {0};
	int seccomp = -1, code;
	struct run *r;

	if (sandbox_seccomp(spec->sandbox.network, &seccomp, e) != 0)
		return e->code;
	sandbox_argv(&spec->sandbox, &spec->env, &spec->argv, &command);
	r = xcalloc(1, sizeof *r);
	r->spec = *spec;
	code = child_start(loop,
			   &(struct child_options){
				   .argv = command.at,
				   .env = env,
				   .seccomp_fd = seccomp,
				   .timeout_ms = spec->timeout_ms,
				   .output_max = spec->limits->output,
				   .on_output = on_child_output,
				   .on_end = on_child_end,
				   .arg = r,
			   },
			   &r->child);
	close(seccomp);
	strv_fini(&command);
	if (code != 0) {
		free(r);
		return err_sys(e, code, "start the sandbox (is bubblewrap installed? make setup)");
	}
	r->pid = child_pid(r->child);
	uv_timer_init(loop, &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, on_watch, WATCH_MS, WATCH_MS);
	*out = r;
	return 0;
}

void
run_cancel(struct run *r)
{
	if (!r->ended)
		child_kill(r->child, "cancelled");
}
