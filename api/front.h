/*
 * front.h - the processes that serve beside the first (serve --processes N).
 *
 *            ┌─► first: catalog, worker, webhooks, all requests ◄──────┐ connections, counts
 *   port ────┼─► front: what is published, from the store alone ───────┤ (SOCK_SEQPACKET)
 *            └─► front: … ─────────────────────────────────────────────┘
 *
 * Each has a socket of its own on the port (SO_REUSEPORT), among which the kernel spreads connections. A request
 * that a front cannot answer from the store goes to the first with its connection, which stays there. So all that
 * is in memory is in one process. With --private, and with any token, requests are the first's.
 */
#ifndef API_FRONT_H
#define API_FRONT_H

#include "builder/base/err.h"

struct service;
struct uv_loop_s;
struct fronts;

/* What a front is started with, as descriptors. */
#define FRONT_LISTEN_FD 3
#define FRONT_FIRST_FD  4

/* Listens for all; *listen_fd is the first's socket, the caller's to serve on. */
int fronts_open(const char *address, long processes, struct fronts **out, int *listen_fd,
		struct err *e);

/* Starts them. argv: the flags of serve, ended by NULL; must outlive them. */
void fronts_start(struct fronts *f, struct uv_loop_s *loop, struct service *s, char *const *argv);

/* Ends them, with grace_ms for replies under way, and frees f; stopped is called on the loop, exactly once. Without
 * fronts_start, at once. f may be NULL. */
void fronts_stop(struct fronts *f, unsigned grace_ms, void (*stopped)(void *), void *data);

#endif
