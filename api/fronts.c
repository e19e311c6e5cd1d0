/* The first process's side of the others: their sockets, their start, what they send. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "api/embedded.h"
#include "api/front.h"
#include "api/http/server.h"
#include "api/routes/service.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

/* A request's head, and what came with it. */
#define MESSAGE_MAX (256 * 1024)
/* Connections taken in one turn. */
#define TAKES_MAX 64

struct front {
	struct fronts *all;
	struct embedded *child;
	uv_poll_t poll, waiting; /* messages; connections, while it does not take them */
	int listen_fd;           /* kept for its next life */
	int ours, its;           /* the two ends of what it sends over */
	unsigned connections;
};

struct fronts {
	struct front *at;
	size_t n, open; /* open: handles and children that are not gone */
	bool stopping;
	struct service *service;
	void (*stopped)(void *);
	void *stopped_data;
	char buffer[MESSAGE_MAX];
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
fronts_free(struct fronts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		close_fd(&f->at[i].listen_fd);
		close_fd(&f->at[i].ours);
		close_fd(&f->at[i].its);
	}
	free(f->at);
	free(f);
}

static int
open_front(struct front *front, const char *address, struct err *e)
{
	int pair[2];

	front->ours = front->its = -1;
	front->listen_fd = http_listen(address, true, e);
	if (front->listen_fd < 0)
		return front->listen_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, -errno, "socketpair");
	front->ours = pair[0];
	front->its = pair[1];
	return 0;
}

int
fronts_open(const char *address, long processes, struct fronts **out, int *listen_fd, struct err *e)
{
	struct fronts *f = xcalloc(1, sizeof *f);
	char bound[HTTP_ADDRESS_SIZE];
	int fd = http_listen(address, false, e), r = 0;

	/* Alone first: among those that share a port, a stranger would not be noticed. */
	if (fd >= 0) {
		http_listen_address(fd, bound);
		close(fd);
		fd = http_listen(bound, true, e);
	}
	if (fd < 0) {
		free(f);
		return fd;
	}
	f->at = xcalloc((size_t)processes, sizeof *f->at);
	while (r == 0 && f->n + 1 < (size_t)processes)
		r = open_front(&f->at[f->n++], bound, e);
	if (r != 0) {
		close(fd);
		fronts_free(f);
		return r;
	}
	*listen_fd = fd;
	*out = f;
	return 0;
}

/* ---- what they send ---- */

static int
descriptor_of(struct msghdr *message)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void
on_waiting(uv_poll_t *poll, int status, int events)
{
	struct front *front = poll->data;

	(void)status;
	(void)events;
	if (!http_server_accept(front->all->service->server, front->listen_fd))
		uv_poll_stop(poll);
}

/* It says every second how much it has done, so it is there. */
static void
take_counts(struct front *front, const void *bytes, size_t len)
{
	struct service *s = front->all->service;
	struct metrics_counts counts;

	if (len != sizeof counts)
		return;
	memcpy(&counts, bytes, sizeof counts);
	uv_poll_stop(&front->waiting);
	metrics_add(s, &counts);
	s->front_connections += counts.connections - front->connections;
	front->connections = counts.connections;
}

/* False if there is nothing more. */
static bool
take_message(struct front *front)
{
	struct fronts *f = front->all;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = {.iov_base = f->buffer, .iov_len = sizeof f->buffer};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	ssize_t n = recvmsg(front->ours, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (n <= 0)
		return false;
	fd = descriptor_of(&message);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		log_warn("front", "error=\"a connection could not be taken over\"");
		close_fd(&fd);
	} else if (fd >= 0) {
		http_server_take(f->service->server, fd, f->buffer, (size_t)n);
	} else {
		take_counts(front, f->buffer, (size_t)n);
	}
	return true;
}

static void
on_message(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	for (int i = 0; i < TAKES_MAX && take_message(poll->data); i++)
		;
}

/* ---- their lives ---- */

static void
on_front_exit(int pid, void *data)
{
	struct front *front = data;

	(void)pid;
	front->all->service->front_connections -= front->connections;
	front->connections = 0;
	if (!front->all->stopping)
		uv_poll_start(&front->waiting, UV_READABLE, on_waiting);
}

void
fronts_start(struct fronts *f, struct uv_loop_s *loop, struct service *s, char *const *argv)
{
	f->service = s;
	for (size_t i = 0; i < f->n; i++) {
		struct front *front = &f->at[i];

		front->all = f;
		uv_poll_init(loop, &front->poll, front->ours);
		front->poll.data = front;
		uv_poll_start(&front->poll, UV_READABLE, on_message);
		uv_poll_init(loop, &front->waiting, front->listen_fd);
		front->waiting.data = front;
		uv_poll_start(&front->waiting, UV_READABLE, on_waiting);
		front->child = embedded_start(
			loop, &(struct embedded_config){.what = "front",
							.argv = argv,
							.fds = {front->listen_fd, front->its},
							.fd_count = 2,
							.trusted = true,
							.on_exit = on_front_exit,
							.data = front});
		f->open += 3;
	}
}

static void
gone(struct fronts *f)
{
	if (--f->open > 0)
		return;
	f->stopped(f->stopped_data);
	fronts_free(f);
}

static void
on_poll_closed(uv_handle_t *h)
{
	gone(((struct front *)h->data)->all);
}

/* What it sent at last is still there to be read. */
static void
on_front_stopped(void *data)
{
	struct front *front = data;

	while (take_message(front))
		;
	uv_close((uv_handle_t *)&front->poll, on_poll_closed);
	uv_close((uv_handle_t *)&front->waiting, on_poll_closed);
	gone(front->all);
}

void
fronts_stop(struct fronts *f, unsigned grace_ms, void (*stopped)(void *), void *data)
{
	if (f == NULL || f->open == 0) {
		if (f != NULL)
			fronts_free(f);
		stopped(data);
		return;
	}
	f->stopping = true;
	f->stopped = stopped;
	f->stopped_data = data;
	for (size_t i = 0; i < f->n; i++) {
		/* Nobody waits in line for one that does not come back. */
		uv_poll_stop(&f->at[i].waiting);
		close_fd(&f->at[i].listen_fd);
		embedded_stop(f->at[i].child, grace_ms, on_front_stopped, &f->at[i]);
	}
}
