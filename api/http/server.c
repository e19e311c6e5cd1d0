#include "api/http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/http/conn.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define BACKLOG 4096

/* Connections accepted in one turn. */
#define ACCEPTS_MAX 64

/* Deadlines are looked at so often, unless a limit is so short that it needs more. */
#define SWEEP_MS 500

static void
close_done(struct http_server *s)
{
	void (*done)(void *data) = s->done;
	void *data = s->done_data;

	while (s->spare != NULL) {
		struct http_request *r = s->spare;

		s->spare = r->next_spare;
		http_request_free(r);
	}
	http_router_close(s->router);
	peers_free(s->peers);
	free(s->spool_dir);
	free(s);
	done(data);
}

static void on_handle_closed(uv_handle_t *h);

/* After each close callback; the last one ends the server. */
static void
maybe_done(struct http_server *s)
{
	if (s->state == SERVER_OPEN || s->conns != NULL)
		return;
	if (s->handles > 0) {
		/* Without connections there is nothing left to sweep. */
		if (!uv_is_closing((uv_handle_t *)&s->sweep))
			uv_close((uv_handle_t *)&s->sweep, on_handle_closed);
		return;
	}
	close_done(s);
}

static void
on_handle_closed(uv_handle_t *h)
{
	struct http_server *s = h->data;

	s->handles--;
	maybe_done(s);
}

void
http_server_conn_freed(struct http_server *s)
{
	maybe_done(s);
}

/* RFC 9110, section 5.6.7; strftime would speak the locale's language. */
static void
make_stamp(struct http_server *s, time_t now)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;
	int n;

	gmtime_r(&now, &tm);
	n = snprintf(s->stamp, sizeof s->stamp,
		     "Server: prebuildd\r\nDate: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
		     days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
		     tm.tm_min, tm.tm_sec);
	s->stamp_len = (size_t)n;
	s->stamp_at = now;
}

const char *
http_server_stamp(struct http_server *s, size_t *len)
{
	time_t now = time(NULL);

	if (now != s->stamp_at)
		make_stamp(s, now);
	*len = s->stamp_len;
	return s->stamp;
}

/* Often enough for the shortest limit. */
static uint64_t
sweep_interval(const struct http_limits *l)
{
	const uint64_t all[] = {l->header_ms, l->body_idle_ms, l->body_ms,
				l->idle_ms,   l->drain_ms,     l->write_idle_ms};
	uint64_t ms = SWEEP_MS;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i] / 4 < ms)
			ms = all[i] / 4;
	return ms > 0 ? ms : 1;
}

static void on_listener(uv_poll_t *h, int status, int events);

static void
set_accepting(struct http_server *s, bool accepting)
{
	s->accepting = accepting;
	if (accepting)
		uv_poll_start(&s->listener, UV_READABLE, on_listener);
	else
		uv_poll_stop(&s->listener);
}

static void
on_sweep(uv_timer_t *t)
{
	struct http_server *s = t->data;
	uint64_t now = uv_now(s->loop);

	if (s->state == SERVER_DRAINING && now >= s->drain_until) {
		s->state = SERVER_CLOSING;
		for (struct http_conn *c = s->conns; c != NULL; c = c->next)
			http_conn_abort(c);
	}
	for (struct http_conn *c = s->conns; c != NULL; c = c->next)
		http_conn_sweep(c, now);
	if (s->state != SERVER_OPEN)
		return;
	if (!s->accepting)
		set_accepting(s, true);
	else if (s->conns == NULL)
		uv_timer_stop(&s->sweep);
}

static void
start_sweep(struct http_server *s)
{
	uint64_t ms = sweep_interval(&s->config.limits);

	if (!uv_is_active((uv_handle_t *)&s->sweep))
		uv_timer_start(&s->sweep, on_sweep, ms, ms);
}

/* The new connection; NULL if it was closed. */
static struct http_conn *
take(struct http_server *s, int fd, const struct sockaddr *address)
{
	struct peer_key key = peer_key(address);
	bool refused =
		s->count - s->refused >= s->config.limits.connections || !peers_add(s->peers, &key);
	int on = 1;

	if (refused && s->refused >= REFUSED_MAX) {
		close(fd);
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	start_sweep(s);
	return http_conn_open(s, fd, address, refused);
}

void
http_server_take(struct http_server *s, int fd, const void *bytes, size_t len)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof address;
	struct http_conn *c;

	if (s->state != SERVER_OPEN || getpeername(fd, (struct sockaddr *)&address, &size) != 0) {
		close(fd);
		return;
	}
	c = take(s, fd, (struct sockaddr *)&address);
	if (c != NULL)
		http_intake_begin(c, bytes, len);
}

bool
http_server_accept(struct http_server *s, int listen_fd)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage address = {0};
		socklen_t len = sizeof address;
		int fd = accept4(listen_fd, (struct sockaddr *)&address, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(s, fd, (struct sockaddr *)&address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("http", "accept: %s", strerror(errno));
			return false;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	return true;
}

static void
on_listener(uv_poll_t *h, int status, int events)
{
	struct http_server *s = h->data;

	(void)status;
	(void)events;
	if (http_server_accept(s, s->fd))
		return;
	/* Waiting clients would wake the loop for ever: the sweep tries again. */
	set_accepting(s, false);
	start_sweep(s);
}

/* "127.0.0.1:8377" or "[::1]:8377". */
static int
parse_address(const char *text, struct sockaddr_storage *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2], *end = NULL;
	unsigned long port = 0;
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;

	if (len > 0 && len < sizeof host && colon[1] >= '0' && colon[1] <= '9')
		port = strtoul(colon + 1, &end, 10);
	if (end == NULL || *end != '\0' || port > 65535)
		return err_set(e, ERR_INVALID, "%s is not ADDRESS:PORT", text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		if (uv_ip6_addr(host + 1, (int)port, (struct sockaddr_in6 *)out) == 0)
			return 0;
	} else if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) == 0) {
		return 0;
	}
	return err_set(e, ERR_INVALID, "%s is not a numeric address with a port", text);
}

int
http_listen(const char *text, bool reuse_port, struct err *e)
{
	struct sockaddr_storage address = {0};
	int code = parse_address(text, &address, e), fd, on = 1;

	if (code != 0)
		return code;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, -errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if ((reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
	    bind(fd, (struct sockaddr *)&address,
		 address.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(struct sockaddr_in6)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		code = err_sys(e, -errno, "listen on %s", text);
		close(fd);
		return code;
	}
	return fd;
}

void
http_listen_address(int fd, char out[HTTP_ADDRESS_SIZE])
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {0};
	socklen_t len = sizeof address;
	char host[INET6_ADDRSTRLEN] = "";

	out[0] = '\0';
	if (getsockname(fd, &address.any, &len) != 0)
		return;
	if (address.any.sa_family == AF_INET) {
		uv_ip4_name(&address.in, host, sizeof host);
		snprintf(out, HTTP_ADDRESS_SIZE, "%s:%u", host, ntohs(address.in.sin_port));
	} else {
		uv_ip6_name(&address.in6, host, sizeof host);
		snprintf(out, HTTP_ADDRESS_SIZE, "[%s]:%u", host, ntohs(address.in6.sin6_port));
	}
}

/* sendfile has no MSG_NOSIGNAL. */
static void
ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static int
check_config(const struct http_config *config, struct err *e)
{
	const struct http_limits *l = &config->limits;

	if (l->request_line == 0 || l->header_bytes == 0 || l->header_count == 0 ||
	    l->connections == 0 || l->per_address == 0 || l->pipeline == 0 || l->header_ms == 0 ||
	    l->body_idle_ms == 0 || l->body_ms == 0 || l->idle_ms == 0 || l->write_idle_ms == 0)
		return err_set(e, ERR_INVALID, "a limit of the HTTP server is zero");
	for (size_t i = 0; i < config->route_count; i++)
		if (config->routes[i].body == HTTP_BODY_SPOOL && config->spool_dir == NULL)
			return err_set(e, ERR_INVALID, "no folder for uploads");
	return 0;
}

int
http_server_open(struct uv_loop_s *loop, const char *address, bool reuse_port,
		 const struct http_config *config, struct http_server **out, struct err *e)
{
	int code = check_config(config, e);
	int fd = code == 0 ? http_listen(address, reuse_port, e) : code;

	return fd < 0 ? fd : http_server_open_on(loop, fd, config, out, e);
}

int
http_server_open_on(struct uv_loop_s *loop, int fd, const struct http_config *config,
		    struct http_server **out, struct err *e)
{
	struct http_router *router = NULL;
	struct http_server *s;
	int code = check_config(config, e);

	if (code == 0)
		code = http_router_open(config->routes, config->route_count, &router, e);
	if (code != 0) {
		close(fd);
		return code;
	}
	ignore_sigpipe();
	s = xcalloc(1, sizeof *s);
	http_listen_address(fd, s->address);
	code = uv_poll_init(loop, &s->listener, fd);
	if (code != 0) {
		err_set(e, code, "poll %s: %s", s->address, uv_strerror(code));
		http_router_close(router);
		close(fd);
		free(s);
		return code;
	}
	uv_timer_init(loop, &s->sweep);
	s->listener.data = s;
	s->sweep.data = s;
	s->handles = 2;
	s->loop = loop;
	s->fd = fd;
	s->config = *config;
	s->spool_dir = config->spool_dir != NULL ? xstrdup(config->spool_dir) : NULL;
	s->router = router;
	s->peers = peers_new(config->limits.connections, config->limits.per_address);
	set_accepting(s, true);
	*out = s;
	return 0;
}

const char *
http_server_address(const struct http_server *s)
{
	return s->address;
}

unsigned
http_server_connections(const struct http_server *s)
{
	return s->count;
}

void
http_server_close(struct http_server *s, void (*done)(void *data), void *data)
{
	s->state = SERVER_DRAINING;
	s->done = done;
	s->done_data = data;
	s->drain_until = uv_now(s->loop) + s->config.limits.drain_ms;
	uv_close((uv_handle_t *)&s->listener, on_handle_closed);
	close(s->fd);
	for (struct http_conn *c = s->conns; c != NULL; c = c->next)
		http_conn_drain(c);
	if (s->conns == NULL)
		maybe_done(s);
	else
		start_sweep(s);
}
