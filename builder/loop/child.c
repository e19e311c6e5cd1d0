#include "builder/loop/child.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/mem.h"

#define GRACE_MS 2000

struct child {
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	unsigned open; /* handles that are not closed yet */
	struct child_options options;
	struct child_result result;
	uint64_t output;
	bool exited, eof, failed;
	char piece[64 * 1024];
};

static void
on_closed(uv_handle_t *h)
{
	struct child *c = h->data;

	if (--c->open > 0)
		return;
	if (!c->failed)
		c->options.on_end(&c->result, c->options.arg);
	free(c);
}

static void
close_all(struct child *c)
{
	uv_close((uv_handle_t *)&c->process, on_closed);
	uv_close((uv_handle_t *)&c->pipe, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void
kill_group(const struct child *c)
{
	if (uv_kill(-c->process.pid, SIGKILL) != 0 && !c->exited)
		uv_kill(c->process.pid, SIGKILL);
}

static void
on_grace_over(uv_timer_t *timer)
{
	struct child *c = timer->data;

	/* Somebody below it still holds the pipe. */
	kill_group(c);
	close_all(c);
}

static void
maybe_end(struct child *c)
{
	if (!c->exited)
		return;
	if (c->eof)
		close_all(c);
	else
		uv_timer_start(&c->timer, on_grace_over, GRACE_MS, 0);
}

static void
on_timeout(uv_timer_t *timer)
{
	child_kill(timer->data, "timeout");
}

static void
on_exit_status(uv_process_t *process, int64_t status, int signal)
{
	struct child *c = process->data;

	c->result.status = status;
	c->result.signal = signal;
	c->exited = true;
	maybe_end(c);
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct child *c = h->data;

	(void)size;
	*buf = uv_buf_init(c->piece, sizeof c->piece);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct child *c = stream->data;

	if (n < 0) {
		uv_read_stop(stream);
		c->eof = true;
		maybe_end(c);
		return;
	}
	c->output += (uint64_t)n;
	if (c->output > c->options.output_max)
		child_kill(c, "output limit");
	else if (c->options.on_output != NULL && n > 0)
		c->options.on_output(buf->base, (size_t)n, c->options.arg);
}

int
child_start(struct uv_loop_s *loop, const struct child_options *options, struct child **out)
{
	struct child *c = xcalloc(1, sizeof *c);
	/* One pipe serves stdout and stderr, so that their lines stay in order: the child's end is
	 * handed over twice. */
	uv_file ends[2];
	uv_stdio_container_t io[4] = {{.flags = UV_IGNORE}};
	uv_process_options_t o = {
		.exit_cb = on_exit_status,
		.file = options->argv[0],
		.args = (char **)(uintptr_t)options->argv,
		.env = (char **)(uintptr_t)options->env,
		.cwd = options->cwd,
		.flags = UV_PROCESS_DETACHED,
		.stdio = io,
		.stdio_count = options->seccomp_fd >= 0 ? 4 : 3,
	};
	int r = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);

	if (r != 0) {
		free(c);
		return r;
	}
	c->options = *options;
	c->process.data = c->pipe.data = c->timer.data = c;
	uv_pipe_init(loop, &c->pipe, 0);
	uv_timer_init(loop, &c->timer);
	uv_pipe_open(&c->pipe, ends[0]);
	c->open = 3; /* uv_spawn makes its handle even when it fails */
	io[1] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = ends[1]};
	io[2] = io[1];
	io[3] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = options->seccomp_fd};
	r = uv_spawn(loop, &c->process, &o);
	close(ends[1]);
	if (r != 0) {
		c->failed = true;
		close_all(c);
		return r;
	}
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	if (options->timeout_ms > 0)
		uv_timer_start(&c->timer, on_timeout, options->timeout_ms, 0);
	*out = c;
	return 0;
}

int
child_pid(const struct child *c)
{
	return c->process.pid;
}

void
child_kill(struct child *c, const char *reason)
{
	if (c->exited)
		return;
	if (c->result.reason == NULL)
		c->result.reason = reason;
	kill_group(c);
}
