#include "api/embedded.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/log.h"
#include "builder/base/mem.h"

/* The pause before a restart doubles from here, so that a worker that cannot start does not fill
 * the log. */
#define RESTART_MIN_MS 1000
#define RESTART_MAX_MS 60000
#define GOOD_LIFE_MS   60000

/* What of the environment is for the service alone: where its database, its store and its peers are, and what opens
 * them. Beginnings of names. */
static const char *const secrets[] = {"AWS_",
				      "PG",
				      "PREBUILDD_CONFIG=",
				      "PREBUILDD_DATABASE=",
				      "PREBUILDD_STORE=",
				      "PREBUILDD_WEBHOOK"};

struct embedded {
	uv_process_t process;
	uv_timer_t timer; /* the pause before a restart, or the grace at the end */
	struct embedded_config config;
	unsigned open;              /* handles that are not closed yet */
	uint64_t pause_ms, started; /* the next pause; uv_now of the last start */
	bool running, stopping;
	void (*stopped)(void *);
	void *stopped_data;
};

static void spawn(struct embedded *w);

static void
on_closed(uv_handle_t *h)
{
	struct embedded *w = h->data;

	if (--w->open > 0)
		return;
	if (w->stopped != NULL)
		w->stopped(w->stopped_data);
	free(w);
}

static void
on_restart(uv_timer_t *timer)
{
	struct embedded *w = timer->data;

	spawn(w);
}

static void
on_process_closed(uv_handle_t *h)
{
	struct embedded *w = h->data;

	if (w->stopping) {
		uv_close((uv_handle_t *)&w->timer, on_closed);
		on_closed(h);
		return;
	}
	w->open--;
	if (uv_now(h->loop) - w->started > GOOD_LIFE_MS)
		w->pause_ms = RESTART_MIN_MS;
	uv_timer_start(&w->timer, on_restart, w->pause_ms, 0);
	w->pause_ms = w->pause_ms * 2 < RESTART_MAX_MS ? w->pause_ms * 2 : RESTART_MAX_MS;
}

static void
on_child_exit(uv_process_t *process, int64_t status, int signal)
{
	struct embedded *w = process->data;

	if (!w->stopping)
		log_warn(w->config.what, "pid=%d status=%d signal=%d restarting", process->pid,
			 (int)status, signal);
	w->running = false;
	uv_timer_stop(&w->timer);
	w->config.on_exit(process->pid, w->config.data);
	uv_close((uv_handle_t *)process, on_process_closed);
}

static bool
is_secret(const char *variable)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (strncmp(secrets[i], variable, strlen(secrets[i])) == 0)
			return true;
	return false;
}

/* Ours, without the secrets unless it is trusted; the caller frees the list, not its strings. */
static char **
environment(bool trusted)
{
	size_t n = 0;
	char **list;

	for (char **v = environ; *v != NULL; v++)
		n++;
	list = xcalloc(n + 1, sizeof *list);
	n = 0;
	for (char **v = environ; *v != NULL; v++)
		if (trusted || !is_secret(*v))
			list[n++] = *v;
	return list;
}

static void
spawn(struct embedded *w)
{
	char **env = environment(w->config.trusted);
	uv_stdio_container_t io[] = {
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = 2},
		{.flags = UV_INHERIT_FD, .data.fd = 2},
		{.flags = UV_INHERIT_FD, .data.fd = w->config.fds[0]},
		{.flags = UV_INHERIT_FD, .data.fd = w->config.fds[1]},
	};
	uv_process_options_t options = {
		.exit_cb = on_child_exit,
		.file = w->config.argv[0],
		.args = (char **)(uintptr_t)w->config.argv,
		.env = env,
		.stdio = io,
		.stdio_count = 3 + (int)w->config.fd_count,
		/* A Ctrl-C on the terminal is for the server, which tells its children in order. */
		.flags = UV_PROCESS_DETACHED,
	};
	int r;

	w->open++;
	w->started = uv_now(w->timer.loop);
	r = uv_spawn(w->timer.loop, &w->process, &options);
	w->process.data = w;
	free(env);
	if (r != 0) {
		log_error(w->config.what, "error=\"cannot start: %s\"", uv_strerror(r));
		uv_close((uv_handle_t *)&w->process, on_process_closed);
		return;
	}
	w->running = true;
}

struct embedded *
embedded_start(struct uv_loop_s *loop, const struct embedded_config *config)
{
	struct embedded *w = xcalloc(1, sizeof *w);

	w->config = *config;
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	w->open = 1;
	w->pause_ms = RESTART_MIN_MS;
	spawn(w);
	return w;
}

static void
on_grace_over(uv_timer_t *timer)
{
	struct embedded *w = timer->data;

	log_warn(w->config.what, "pid=%d did not stop in time", w->process.pid);
	uv_process_kill(&w->process, SIGKILL);
}

void
embedded_stop(struct embedded *w, unsigned grace_ms, void (*stopped)(void *), void *data)
{
	w->stopping = true;
	w->stopped = stopped;
	w->stopped_data = data;
	uv_timer_stop(&w->timer);
	if (w->running) {
		uv_process_kill(&w->process, SIGTERM);
		uv_timer_start(&w->timer, on_grace_over, grace_ms, 0);
		return;
	}
	/* Between two lives: a process handle that is closing ends the rest. */
	if (w->open == 1)
		uv_close((uv_handle_t *)&w->timer, on_closed);
}
