#include "tests/lib/canned_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"

#define REPLIES_MAX 16
#define ROUTES_MAX  64
#define REQUEST_MAX (64 * 1024)

struct reply {
	struct buf bytes;
	bool drip;
	atomic_bool *flag;
};

struct route {
	char *path;
	struct reply replies[REPLIES_MAX];
	size_t count;
	unsigned hits;
};

struct canned {
	int fd;
	char base[64];
	pthread_t thread;
	atomic_bool stopping;
	pthread_mutex_t lock; /* of everything below */
	struct route routes[ROUTES_MAX];
	size_t count;
	struct buf last;
};

/* The route of a path, made if need be. The lock is held. */
static struct route *
route_of(struct canned *c, const char *path)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->routes[i].path, path) == 0)
			return &c->routes[i];
	if (c->count == ROUTES_MAX)
		abort();
	c->routes[c->count].path = xstrdup(path);
	return &c->routes[c->count++];
}

static struct reply *
new_reply(struct canned *c, const char *path)
{
	struct route *route = route_of(c, path);

	if (route->count == REPLIES_MAX)
		abort();
	return &route->replies[route->count++];
}

void
canned_raw(struct canned *c, const char *path, const void *reply, size_t len)
{
	pthread_mutex_lock(&c->lock);
	buf_add(&new_reply(c, path)->bytes, reply, len);
	pthread_mutex_unlock(&c->lock);
}

void
canned_reply(struct canned *c, const char *path, int status, const char *headers, const void *body,
	     size_t len)
{
	struct reply *reply;

	pthread_mutex_lock(&c->lock);
	reply = new_reply(c, path);
	buf_addf(&reply->bytes, "HTTP/1.1 %d Canned\r\nContent-Length: %zu\r\n%s\r\n", status, len,
		 headers);
	buf_add(&reply->bytes, body, len);
	pthread_mutex_unlock(&c->lock);
}

void
canned_drip(struct canned *c, const char *path)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
	struct reply *reply;

	pthread_mutex_lock(&c->lock);
	reply = new_reply(c, path);
	buf_adds(&reply->bytes, head);
	reply->drip = true;
	pthread_mutex_unlock(&c->lock);
}

void
canned_raise(struct canned *c, const char *path, atomic_bool *flag)
{
	struct route *route;

	pthread_mutex_lock(&c->lock);
	route = route_of(c, path);
	route->replies[route->count - 1].flag = flag;
	pthread_mutex_unlock(&c->lock);
}

unsigned
canned_hits(struct canned *c, const char *path)
{
	unsigned hits;

	pthread_mutex_lock(&c->lock);
	hits = route_of(c, path)->hits;
	pthread_mutex_unlock(&c->lock);
	return hits;
}

char *
canned_last(struct canned *c)
{
	char *text;

	pthread_mutex_lock(&c->lock);
	text = xstrndup(c->last.data != NULL ? c->last.data : "", c->last.len);
	pthread_mutex_unlock(&c->lock);
	return text;
}

const char *
canned_base(const struct canned *c)
{
	return c->base;
}

static bool
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void
drip(struct canned *c, int fd)
{
	while (!atomic_load(&c->stopping) && send_all(fd, ".", 1))
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000L}, NULL);
}

/* Picks the reply to the request's head, and counts it. */
static struct reply
choose(struct canned *c, const char *head)
{
	static const char missing[] = "HTTP/1.1 404 Canned\r\nContent-Length: 4\r\n\r\nnone";
	struct reply reply = {0};
	const char *target = strchr(head, ' ');
	struct route *route;
	size_t i;
	char *path;

	target = target != NULL ? target + 1 : "";
	path = xstrndup(target, strcspn(target, " ?"));
	pthread_mutex_lock(&c->lock);
	c->last.len = 0;
	buf_adds(&c->last, head);
	route = route_of(c, path);
	if (route->count > 0) {
		i = route->hits < route->count ? route->hits : route->count - 1;
		reply = route->replies[i];
		reply.bytes = (struct buf){0};
		buf_add(&reply.bytes, route->replies[i].bytes.data, route->replies[i].bytes.len);
	} else {
		buf_adds(&reply.bytes, missing);
	}
	route->hits++;
	pthread_mutex_unlock(&c->lock);
	free(path);
	return reply;
}

static void
answer(struct canned *c, int fd)
{
	char head[REQUEST_MAX];
	struct reply reply;
	size_t len = 0;

	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL) {
		ssize_t n = recv(fd, head + len, sizeof head - 1 - len, 0);

		if (n <= 0)
			return;
		len += (size_t)n;
		head[len] = '\0';
	}
	reply = choose(c, head);
	if (reply.flag != NULL && !reply.drip)
		atomic_store(reply.flag, true);
	if (send_all(fd, reply.bytes.data, reply.bytes.len) && reply.drip) {
		send_all(fd, "...", 3);
		if (reply.flag != NULL)
			atomic_store(reply.flag, true);
		drip(c, fd);
	}
	buf_fini(&reply.bytes);
}

static void *
serve(void *ctx)
{
	struct canned *c = ctx;

	while (!atomic_load(&c->stopping)) {
		int fd = accept(c->fd, NULL, NULL);

		if (fd < 0)
			continue;
		answer(c, fd);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

struct canned *
canned_start(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct canned *c = xcalloc(1, sizeof *c);
	socklen_t len = sizeof addr;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pthread_mutex_init(&c->lock, NULL);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
	    listen(c->fd, 16) != 0 || getsockname(c->fd, (struct sockaddr *)&addr, &len) != 0) {
		perror("test server");
		exit(1);
	}
	snprintf(c->base, sizeof c->base, "http://127.0.0.1:%u", ntohs(addr.sin_port));
	if (pthread_create(&c->thread, NULL, serve, c) != 0)
		abort();
	return c;
}

void
canned_stop(struct canned *c)
{
	atomic_store(&c->stopping, true);
	/* Wakes the thread out of accept. */
	shutdown(c->fd, SHUT_RDWR);
	pthread_join(c->thread, NULL);
	close(c->fd);
	for (size_t i = 0; i < c->count; i++) {
		for (size_t k = 0; k < c->routes[i].count; k++)
			buf_fini(&c->routes[i].replies[k].bytes);
		free(c->routes[i].path);
	}
	buf_fini(&c->last);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
