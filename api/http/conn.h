/*
 * conn.h - one connection and the request that it is busy with. Internal to api/http.
 *
 *            ┌──────────────────────── keep-alive ─────────────────────────┐
 *            ▼                                                             │
 *   ─► IDLE ──► HEAD ──► BODY ◄─► SPOOL ──► HANDLE ──► WRITE ◄─► LOAD ─────┤
 *       │        │        │                   │  ▲  └──► STREAM ──► WRITE  │
 *       │        └────────┴── refused ────────┼──┘                         ▼
 *       └─────────────────────────────────────┴─────────────► CLOSED ◄─ LINGER
 *
 * It waits for the client in IDLE, HEAD, BODY (readable), WRITE, STREAM (writable) and LINGER
 * (readable), for a handler in HANDLE and STREAM, for the pool in SPOOL and LOAD. Callbacks record
 * what happened and call http_conn_step. In HANDLE and STREAM the handler owns the request, so
 * the connection is not closed there: it is only noted that the client has gone.
 */
#ifndef API_HTTP_CONN_H
#define API_HTTP_CONN_H

#include <netinet/in.h>
#include <uv.h>

#include "api/http/out.h"
#include "api/http/parser.h"
#include "api/http/peers.h"
#include "api/http/request.h"
#include "api/http/router.h"
#include "api/http/server.h"
#include "api/http/spool.h"
#include "api/http/target.h"

/* How long unread input is thrown away after the last reply, so that the client can read it. */
#define LINGER_IDLE_MS 2000
#define LINGER_MS      10000

/* Connections over the limits that are told so at one time; others are just closed. */
#define REFUSED_MAX 64

/* Requests that wait for their next use, with their buffers. */
#define SPARE_MAX 128

#define SCRATCH_SIZE (64 * 1024)

/* What a client costs only while it has a request under way. */
struct http_request {
	struct http_conn *conn;
	struct http_request *next_spare;
	uint64_t started;
	unsigned status;  /* of the reply; 0 before there is one */
	bool close_after; /* the reply said that the connection ends with it */

	char *in; /* received bytes: the head, then what came with it */
	size_t in_len;
	size_t in_used;
	size_t in_cap;
	struct buf next; /* bytes after a chunked body: the next request */
	struct buf
		raw; /* what was received as it was, if it may be given away: the parser writes into it */

	struct http_parser parser;
	enum parse_result body_result; /* of what was received of the body so far */
	struct http_target target;
	struct http_match match;
	struct buf body;
	struct spool spool;
	struct http_out out;

	void (*on_gone)(struct http_request *, void *);
	void *gone_data;
};

enum conn_state {
	CONN_IDLE,
	CONN_HEAD,
	CONN_BODY,
	CONN_SPOOL,
	CONN_HANDLE,
	CONN_STREAM,
	CONN_WRITE,
	CONN_LOAD,
	CONN_LINGER,
	CONN_CLOSED,
};

struct http_conn {
	struct http_server *server;
	struct http_conn *prev, *next;
	struct http_request *req; /* NULL in IDLE, LINGER and CLOSED */
	uv_poll_t poll;
	uv_work_t work;
	unsigned holds; /* the open handle and the work under way; freed at 0 */
	int fd;
	enum conn_state state;
	bool stepping;
	bool counted;      /* among the server's connections; not if it was refused */
	int events;        /* what poll waits for now */
	int watch;         /* what to wait for while a handler works; 0: the client has gone */
	int unsent;        /* in the kernel at the last look */
	unsigned requests; /* so far */
	uint64_t since;    /* when BODY or LINGER began */
	uint64_t deadline; /* 0: none */
	struct peer_key key;
	char peer[INET6_ADDRSTRLEN];
};

enum server_state { SERVER_OPEN, SERVER_DRAINING, SERVER_CLOSING };

struct http_server {
	uv_loop_t *loop;
	uv_poll_t listener;
	uv_timer_t sweep;
	int fd;
	bool accepting;
	enum server_state state;
	unsigned handles; /* of listener and sweep, open */
	uint64_t drain_until;
	struct http_config config;
	char *spool_dir;
	struct http_router *router;
	struct peers *peers;
	struct http_conn *conns;
	unsigned count;   /* connections open */
	unsigned refused; /* of these, over the limits */
	struct http_request *spare;
	unsigned spare_count;
	void (*done)(void *data);
	void *done_data;
	char address[HTTP_ADDRESS_SIZE];
	char stamp[80]; /* "Server: …\r\nDate: …\r\n" */
	size_t stamp_len;
	int64_t stamp_at; /* the second that it shows */
	char scratch[SCRATCH_SIZE];
};

/* server.c */

/* The Server and Date lines of now. */
const char *http_server_stamp(struct http_server *s, size_t *len);
/* A connection has freed itself. */
void http_server_conn_freed(struct http_server *s);

/* request.c */
struct http_request *http_request_get(struct http_conn *c);
void http_request_put(struct http_request *r);
void http_request_free(struct http_request *r);

/* conn.c */

/* Takes fd over; NULL if there is no connection. refused: only to say that there are too many. */
struct http_conn *
http_conn_open(struct http_server *s, int fd, const struct sockaddr *address, bool refused);
void http_conn_step(struct http_conn *c);
void http_conn_close(struct http_conn *c);
/* The state machine's move to WRITE, after a reply was made. */
void http_conn_write(struct http_conn *c);
/* Whether the client is known to be gone. */
bool http_conn_gone(const struct http_conn *c);
/* The client has gone while a handler works; on_gone is called at the next sweep. */
void http_conn_set_gone(struct http_conn *c);
/* Acts on deadlines. */
void http_conn_sweep(struct http_conn *c, uint64_t now);
/* At shutdown: the beginning, and when the patience is over. */
void http_conn_drain(struct http_conn *c);
void http_conn_abort(struct http_conn *c);
/* Work for the pool: SPOOL or LOAD, according to the state. */
void http_conn_work(struct http_conn *c, enum conn_state state);

/* intake.c: HEAD and BODY. The functions return whether the state has changed. */
void http_intake_readable(struct http_conn *c);
/* A connection on which another process has read this much; nothing if it was refused. */
void http_intake_begin(struct http_conn *c, const void *bytes, size_t len);
bool http_intake_head(struct http_conn *c);
bool http_intake_body(struct http_conn *c);
bool http_intake_spooled(struct http_conn *c);
/* Answers with a problem instead of a handler. */
void http_intake_refuse(struct http_conn *c, const struct fault *f);

#endif
