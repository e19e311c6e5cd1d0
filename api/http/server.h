/*
 * server.h - HTTP/1.1 (RFC 9110, RFC 9112) on a libuv loop: llhttp parses, the server owns each
 * descriptor with uv_poll_t (accept4, recv, writev, sendfile on the loop thread).
 *
 * Strict where a proxy in front could disagree with us (request smuggling): Content-Length and
 * Transfer-Encoding together, more than one of either, any coding but chunked, bare CR or LF,
 * obs-fold, a missing or doubled Host, HTTP versions other than 1.0 and 1.1, a body on GET, HEAD
 * or DELETE are refused with 400 (or 501, 505), and the connection is closed.
 *
 * Life of a connection:
 *
 *   accept ─► HEAD ──► BODY ──► HANDLE ──► WRITE ──► (keep-alive) HEAD …
 *               │408     │408/413  ▲ the handler owns the request until it replies
 *               └────────┴─────► problem reply ─► linger ─► closed
 */
#ifndef API_HTTP_SERVER_H
#define API_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http/limits.h"
#include "builder/base/err.h"

struct uv_loop_s;
struct http_server;
struct http_request;

/* What a route does with the request's body. */
enum http_body {
	HTTP_BODY_NONE,  /* must be empty: 400 otherwise */
	HTTP_BODY_BUF,   /* in memory, up to the route's or limits.body */
	HTTP_BODY_SPOOL, /* in a temporary file, up to limits.upload, SHA-256 on the way */
};

/*
 * A route's handler: runs on the loop thread, must reply exactly once (reply.h), now or later;
 * until then the request stays valid even if the client has gone. It must not block.
 */
typedef void (*http_handler)(struct http_request *req, void *data);

struct http_route {
	const char *method; /* "GET" also answers HEAD */
	const char *
		pattern; /* "/v1/builds/{id}"; a last "{path*}" matches the rest with its slashes */
	enum http_body body;
	size_t body_limit; /* 0: limits.body */
	const char *scope; /* needed scope, handed to the authorize hook; NULL: none */
	http_handler handler;
};

enum http_given { HTTP_OURS, HTTP_GIVEN, HTTP_BUSY };

struct http_config {
	struct http_limits limits;
	const char *spool_dir; /* where spooled bodies go; copied */
	const struct http_route *routes;
	size_t route_count; /* the table must outlive the server */
	void *data;         /* handed to handlers and hooks */
	/* Before a handler and before the body is read: may this request do that? NULL allows all.
	 * Returns 0, or fills e (ERR_UNAUTHORIZED, ERR_FORBIDDEN). */
	int (*authorize)(struct http_request *req, const char *scope, void *data, struct err *e);
	/* As soon as a request's head is complete: HTTP_GIVEN if another process answers it, to which the hook has
	 * given the connection (http_give); HTTP_BUSY, which is answered 503, if that could not be. NULL: HTTP_OURS. */
	enum http_given (*given)(struct http_request *req, void *data);
	/* After each finished or broken request, for metrics. route: the pattern, or "none". */
	void (*on_done)(const char *method, const char *route, int status, uint64_t bytes,
			uint64_t ms, void *data);
};

/* Binds and listens. address: "127.0.0.1:0", "[::1]:8377". reuse_port: SO_REUSEPORT. On failure
 * nothing is held. The process ignores SIGPIPE from then on, as sendfile needs it. */
int http_server_open(struct uv_loop_s *loop, const char *address, bool reuse_port,
		     const struct http_config *config, struct http_server **out, struct err *e);

/* The same in two steps: a listening socket, or an error (negative); and a server on it, which takes it over, also
 * on failure. */
int http_listen(const char *address, bool reuse_port, struct err *e);
int http_server_open_on(struct uv_loop_s *loop, int fd, const struct http_config *config,
			struct http_server **out, struct err *e);

/* What `listen` is bound to, as "ADDRESS:PORT". */
#define HTTP_ADDRESS_SIZE 64
void http_listen_address(int fd, char out[HTTP_ADDRESS_SIZE]);

/* For processes that share a port. http_give sends a request's connection, with what was read of it, over a socket of
 * the type SOCK_SEQPACKET: 0, or -errno, and then nothing has happened. http_server_take makes a connection of
 * what was received there; it takes fd over, and bytes stay the caller's. */
/* http_server_accept takes what waits at another listening socket, for one that does not: false if there are no descriptors. */
bool http_server_accept(struct http_server *s, int listen_fd);
int http_give(const struct http_request *req, int socket);
void http_server_take(struct http_server *s, int fd, const void *bytes, size_t len);

/* "127.0.0.1:41234", the address that was really bound; lives as long as the server. */
const char *http_server_address(const struct http_server *s);

/* Stops listening, closes idle connections, lets replies under way end within limits.drain_ms,
 * frees everything and then calls done exactly once, on the loop thread, never from inside. */
void http_server_close(struct http_server *s, void (*done)(void *data), void *data);

/* Connections open now. */
unsigned http_server_connections(const struct http_server *s);

#endif
