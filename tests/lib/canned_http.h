/*
 * canned_http.h - an HTTP server on loopback for tests: it says what it was told to say, and
 * remembers what it was asked. One thread, one connection at a time, each with one request.
 *
 * Replies belong to a path (the request's target without its query; for a proxy, all of it). The
 * first request for a path gets the first reply that was added for it, and so on; the last one
 * repeats. A path without replies gets a 404.
 */
#ifndef TESTS_LIB_CANNED_HTTP_H
#define TESTS_LIB_CANNED_HTTP_H

#include <stdatomic.h>
#include <stddef.h>

struct canned;

struct canned *canned_start(void);
void canned_stop(struct canned *c);

/* "http://127.0.0.1:PORT", without a slash. */
const char *canned_base(const struct canned *c);

/* Adds a reply: bytes as they are, then the connection is closed. */
void canned_raw(struct canned *c, const char *path, const void *reply, size_t len);

/* Adds a reply with this status line's number and exact Content-Length; `headers` are further
 * lines, each with "\r\n" at its end. */
void canned_reply(struct canned *c, const char *path, int status, const char *headers,
		  const void *body, size_t len);

/* Adds a reply that never ends: a byte now and then, until the client goes. */
void canned_drip(struct canned *c, const char *path);

/* The path's last added reply sets the flag when it has begun to be sent. */
void canned_raise(struct canned *c, const char *path, atomic_bool *flag);

/* How often the path was asked for. */
unsigned canned_hits(struct canned *c, const char *path);

/* The last request's head; the caller frees it. */
char *canned_last(struct canned *c);

#endif
