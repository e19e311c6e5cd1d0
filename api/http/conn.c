#include "api/http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "builder/base/mem.h"

#define WATCH_CLIENT (UV_READABLE | UV_DISCONNECT)

static void
set_deadline(struct http_conn *c, uint64_t ms)
{
	c->deadline = uv_now(c->server->loop) + ms;
}

/* Tells the embedder about a request that has ended, well or not. */
static void
report(struct http_conn *c)
{
	const struct http_config *config = &c->server->config;
	const struct http_request *r = c->req;
	enum http_method method = r->parser.head.method;
	/* 499 is what proxies log when the client left before there was a reply. */
	int status = r->status != 0 ? (int)r->status : 499;

	if (config->on_done == NULL)
		return;
	config->on_done(method != METHOD_OTHER ? http_method_name(method) : "other",
			r->match.route != NULL ? r->match.route->pattern : "none", status,
			r->out.sent, uv_now(c->server->loop) - r->started, config->data);
}

/* The end of an open handle or of work; the last one frees the connection. */
static void
unhold(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (--c->holds > 0)
		return;
	if (c->req != NULL)
		http_request_put(c->req);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
	http_server_conn_freed(s);
}

static void
on_closed(uv_handle_t *h)
{
	unhold(h->data);
}

void
http_conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;
	enum conn_state was = c->state;

	if (was == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	c->deadline = 0;
	if (c->req != NULL && was != CONN_IDLE)
		report(c);
	if (was == CONN_SPOOL || was == CONN_LOAD)
		uv_cancel((uv_req_t *)&c->work);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
	c->fd = -1;
	s->count--;
	if (c->counted)
		peers_remove(s->peers, &c->key);
	else
		s->refused--;
}

/* The socket takes no more: from now on the client has to show that it lives. */
static void
blocked(struct http_conn *c)
{
	c->unsent = INT_MAX;
	set_deadline(c, c->server->config.limits.write_idle_ms);
}

static void
linger(struct http_conn *c)
{
	shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	c->since = uv_now(c->server->loop);
	set_deadline(c, LINGER_IDLE_MS);
}

/* Throws away what the client still sends, so that its kernel does not drop our last reply. */
static void
discard(struct http_conn *c)
{
	uint64_t now = uv_now(c->server->loop), end = c->since + LINGER_MS;
	ssize_t n = recv(c->fd, c->server->scratch, SCRATCH_SIZE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		http_conn_close(c);
		return;
	}
	c->deadline = now + LINGER_IDLE_MS < end ? now + LINGER_IDLE_MS : end;
}

/* Makes what was received after this request the beginning of the next. */
static bool
begin_next(struct http_conn *c)
{
	struct http_request *r = c->req, *old = r;
	size_t left = r->in_len - r->in_used;

	if (left + r->next.len == 0) {
		http_request_put(r);
		c->req = NULL;
		c->state = CONN_IDLE;
		set_deadline(c, c->server->config.limits.idle_ms);
		return false;
	}
	r = http_request_get(c);
	if (r->in_cap < left + old->next.len) {
		r->in_cap = left + old->next.len;
		r->in = xrealloc(r->in, r->in_cap);
	}
	memcpy(r->in, old->in + old->in_used, left);
	if (old->next.len > 0)
		memcpy(r->in + left, old->next.data, old->next.len);
	r->in_len = left + old->next.len;
	http_request_put(old);
	c->req = r;
	c->state = CONN_HEAD;
	set_deadline(c, c->server->config.limits.header_ms);
	return true;
}

/* The reply is out. */
static bool
finish(struct http_conn *c)
{
	struct http_request *r = c->req;
	const struct http_parser *p = &r->parser;
	enum server_state server = c->server->state;
	bool last = r->close_after || server != SERVER_OPEN;
	/* A client that has asked for the end sends no more; others may be about to. */
	bool unread = p->state != PARSER_DONE || p->head.keep_alive || r->in_used < r->in_len ||
		      r->next.len > 0;

	c->watch = WATCH_CLIENT;
	c->deadline = 0;
	if (last && (!unread || server == SERVER_CLOSING)) {
		http_conn_close(c);
		return false;
	}
	report(c);
	if (!last)
		return begin_next(c);
	http_request_put(r);
	c->req = NULL;
	linger(c);
	return false;
}

static bool
send_reply(struct http_conn *c)
{
	switch (http_out_send(&c->req->out, c->fd)) {
	case OUT_DONE:
		return finish(c);
	case OUT_BLOCKED:
		if (c->server->state == SERVER_CLOSING)
			http_conn_close(c);
		else
			blocked(c);
		return false;
	case OUT_COLD:
		http_conn_work(c, CONN_LOAD);
		return false;
	case OUT_FAILED:
		break;
	}
	http_conn_close(c);
	return false;
}

static void
send_stream(struct http_conn *c)
{
	c->deadline = 0;
	switch (http_out_send(&c->req->out, c->fd)) {
	case OUT_DONE:
	case OUT_COLD:
		break;
	case OUT_BLOCKED:
		blocked(c);
		break;
	case OUT_FAILED:
		http_conn_set_gone(c);
		break;
	}
}

/* One move of the state machine; whether another may follow. */
static bool
advance(struct http_conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		return http_intake_head(c);
	case CONN_BODY:
		return http_intake_body(c);
	case CONN_WRITE:
		return send_reply(c);
	case CONN_STREAM:
		send_stream(c);
		return false;
	case CONN_IDLE:
	case CONN_SPOOL:
	case CONN_HANDLE:
	case CONN_LOAD:
	case CONN_LINGER:
	case CONN_CLOSED:
		break;
	}
	return false;
}

static int
events_for(const struct http_conn *c)
{
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_BODY:
	case CONN_LINGER:
		return WATCH_CLIENT;
	case CONN_WRITE:
		return UV_WRITABLE;
	case CONN_STREAM:
		if (c->watch != 0 && http_out_pending(&c->req->out) > 0)
			return UV_WRITABLE | UV_DISCONNECT;
		return c->watch;
	case CONN_HANDLE:
		return c->watch;
	case CONN_SPOOL:
	case CONN_LOAD:
	case CONN_CLOSED:
		break;
	}
	return c->events;
}

static void on_poll(uv_poll_t *h, int status, int events);

/* Waits for what the state needs. A change costs system calls, so that there is none between a
 * request and its immediate reply. */
static void
watch(struct http_conn *c)
{
	int events = events_for(c);

	if (c->state == CONN_CLOSED || events == c->events)
		return;
	c->events = events;
	if (events == 0)
		uv_poll_stop(&c->poll);
	else
		uv_poll_start(&c->poll, events, on_poll);
}

void
http_conn_step(struct http_conn *c)
{
	if (c->stepping)
		return;
	c->stepping = true;
	while (advance(c))
		;
	c->stepping = false;
	watch(c);
}

void
http_conn_write(struct http_conn *c)
{
	c->state = CONN_WRITE;
	http_conn_step(c);
}

bool
http_conn_gone(const struct http_conn *c)
{
	return c->watch == 0;
}

static void
tell_gone(struct http_conn *c)
{
	struct http_request *r = c->req;
	void (*on_gone)(struct http_request *, void *) = r->on_gone;

	c->watch = 0;
	watch(c);
	r->on_gone = NULL;
	if (on_gone != NULL)
		on_gone(r, r->gone_data);
}

void
http_conn_set_gone(struct http_conn *c)
{
	c->watch = 0;
	c->deadline = 1;
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct http_conn *c = h->data;

	/* libuv has stopped to poll after an error. */
	if (status < 0)
		c->events = 0;
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_BODY:
		if (status < 0)
			http_conn_close(c);
		else
			http_intake_readable(c);
		break;
	case CONN_LINGER:
		discard(c);
		break;
	case CONN_WRITE:
		http_conn_step(c);
		break;
	case CONN_STREAM:
		if (events & UV_WRITABLE)
			http_conn_step(c);
		/* fall through */
	case CONN_HANDLE:
		if (c->state != CONN_HANDLE && c->state != CONN_STREAM)
			break;
		if (status < 0 || (events & UV_DISCONNECT)) {
			tell_gone(c);
		} else if (events & UV_READABLE) {
			/* The next request waits in the kernel until this one is answered. */
			c->watch = UV_DISCONNECT;
			watch(c);
		}
		break;
	case CONN_SPOOL:
	case CONN_LOAD:
		c->events = 0;
		uv_poll_stop(&c->poll);
		break;
	case CONN_CLOSED:
		break;
	}
}

static void
spool_on_pool(uv_work_t *w)
{
	struct http_request *r = ((struct http_conn *)w->data)->req;

	spool_write(&r->spool);
	if (r->body_result == PARSE_DONE)
		spool_close(&r->spool);
}

static void
load_on_pool(uv_work_t *w)
{
	http_out_load(&((struct http_conn *)w->data)->req->out);
}

static void
on_worked(uv_work_t *w, int status)
{
	struct http_conn *c = w->data;

	(void)status;
	if (c->state == CONN_SPOOL)
		http_intake_spooled(c);
	else if (c->state == CONN_LOAD)
		c->state = CONN_WRITE;
	http_conn_step(c);
	unhold(c);
}

void
http_conn_work(struct http_conn *c, enum conn_state state)
{
	c->state = state;
	c->deadline = 0;
	c->work.data = c;
	c->holds++;
	uv_queue_work(c->server->loop, &c->work, state == CONN_SPOOL ? spool_on_pool : load_on_pool,
		      on_worked);
}

/* Whether the kernel got rid of some bytes since the last look, if there was one since the socket
 * took its last: it wants to be a third empty before it is writable again, and a slow client may
 * need longer for that than a dead one is given. */
static bool
kernel_has_sent(struct http_conn *c)
{
	int unsent = 0, before = c->unsent;

	if (ioctl(c->fd, SIOCOUTQ, &unsent) != 0)
		return false;
	c->unsent = unsent;
	return unsent < before;
}

static void
time_out(struct http_conn *c, const char *what, uint64_t ms, const char *limit)
{
	struct fault f;

	fault_set(&f, FAULT_TIMEOUT, "%s took longer than %llu ms (limit %s)", what,
		  (unsigned long long)ms, limit);
	http_intake_refuse(c, &f);
}

void
http_conn_sweep(struct http_conn *c, uint64_t now)
{
	const struct http_limits *limits = &c->server->config.limits;

	if (c->deadline == 0 || now < c->deadline)
		return;
	c->deadline = 0;
	switch (c->state) {
	case CONN_HEAD:
		time_out(c, "the request's header", limits->header_ms, "header_ms");
		break;
	case CONN_BODY:
		if (now >= c->since + limits->body_ms)
			time_out(c, "the body", limits->body_ms, "body_ms");
		else
			time_out(c, "the next piece of the body", limits->body_idle_ms,
				 "body_idle_ms");
		break;
	case CONN_STREAM:
		if (c->watch != 0 && kernel_has_sent(c)) {
			set_deadline(c, limits->write_idle_ms);
			break;
		}
		/* fall through */
	case CONN_HANDLE:
		tell_gone(c);
		break;
	case CONN_WRITE:
		if (kernel_has_sent(c))
			set_deadline(c, limits->write_idle_ms);
		else
			http_conn_close(c);
		break;
	case CONN_IDLE:
	case CONN_LINGER:
		http_conn_close(c);
		break;
	case CONN_SPOOL:
	case CONN_LOAD:
	case CONN_CLOSED:
		break;
	}
}

void
http_conn_drain(struct http_conn *c)
{
	if (c->state == CONN_IDLE)
		http_conn_close(c);
	else if (c->state == CONN_STREAM)
		tell_gone(c);
}

void
http_conn_abort(struct http_conn *c)
{
	if (c->state == CONN_HANDLE || c->state == CONN_STREAM)
		tell_gone(c);
	else
		http_conn_close(c);
}

struct http_conn *
http_conn_open(struct http_server *s, int fd, const struct sockaddr *address, bool refused)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
	struct http_conn *c = xmalloc(sizeof *c);

	*c = (struct http_conn){
		.server = s,
		.fd = fd,
		.holds = 1,
		.state = CONN_IDLE,
		.counted = !refused,
		.watch = WATCH_CLIENT,
		.key = peer_key(address),
		.next = s->conns,
	};
	if (uv_poll_init(s->loop, &c->poll, fd) != 0) {
		if (!refused)
			peers_remove(s->peers, &c->key);
		close(fd);
		free(c);
		return NULL;
	}
	c->poll.data = c;
	if (s->conns != NULL)
		s->conns->prev = c;
	s->conns = c;
	s->count++;
	s->refused += refused;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, c->peer, sizeof c->peer);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], c->peer, sizeof c->peer);
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, c->peer, sizeof c->peer);
	if (refused) {
		struct fault f;

		fault_set(&f, FAULT_CONNECTIONS,
			  "too many connections (limits connections, per_address)");
		c->req = http_request_get(c);
		http_intake_refuse(c, &f);
		return c;
	}
	set_deadline(c, s->config.limits.idle_ms);
	watch(c);
	return c;
}
