/*
 * http_fixture.h - an HTTP server with test routes on a loop in its own thread, and a raw client
 * that blocks, so that a test reads from top to bottom.
 *
 *   GET  /ok                      "ok\n"
 *   POST /echo                    the body back, as text
 *   POST /json                    {"members": n}
 *   PUT  /upload                  {"size", "digest"} of the spooled body; ?keep=1 renames the file
 *   GET  /files/{name}            a file of the folder, ETag = name; ?grow=n promises n more bytes;
 *                                 ?plain=1 without ranges
 *   GET  /big?n=                  n bytes from memory
 *   GET  /empty                   204
 *   POST /cancel                  202 without a body, takes none
 *   GET  /slow?ms=                "slow\n" after that time
 *   GET  /hold                    404 once the client has gone
 *   GET  /stream?n=&size=         n pieces of size bytes, one each turn of the loop
 *   GET  /endless                 a stream that ends when reply_stream_add says so
 *   GET  /flood                   a stream that is full at once, and ends when it no longer is
 *   GET  /processing?n=           n interim replies, then "done\n"
 *   GET  /show/{a}/v{b}/{c*}      what the handler sees, as JSON
 *   GET  /secret                  scope "admin": "Bearer good" may, "Bearer weak" is forbidden
 *   PUT  /secret                  the same for an upload
 *   GET  /headers                 tries to add headers that must not get through
 *   GET  /error?code=             reply_err
 *   GET  /connections             how many the server has open
 */
#ifndef TESTS_LIB_HTTP_FIXTURE_H
#define TESTS_LIB_HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http/limits.h"
#include "builder/base/buf.h"

struct http_fixture;

/* Counted by handlers and hooks. */
enum http_count { COUNT_GONE, COUNT_HELD, COUNT_STREAMS_ENDED, COUNT_DONE, COUNT_499, COUNT_MAX };

/* dir: files to serve; uploads are spooled into dir/spool. NULL limits are the default ones.
 * address is what to listen on. NULL if the server could not be opened. */
struct http_fixture *
http_fixture_start(const char *address, const char *dir, const struct http_limits *limits);

/* Begins to close the server; the thread goes on. */
void http_fixture_close(struct http_fixture *f);

/* Closes the server if that was not done, ends the thread; what uv_loop_close said. */
int http_fixture_stop(struct http_fixture *f);

const char *http_fixture_address(const struct http_fixture *f);
int http_fixture_port(const struct http_fixture *f);
int http_fixture_count(const struct http_fixture *f, enum http_count which);

/* Waits until a count has reached a number; false after a long time. */
bool http_fixture_wait(const struct http_fixture *f, enum http_count which, int number);

struct client {
	int fd;
	struct buf in;
};

struct answer {
	int status; /* 0: the connection ended before a whole answer */
	int interim;
	struct buf head; /* with its status line and the blank line */
	struct buf body;
	bool delimited; /* by a length or chunks, not by the end of the connection */
};

/* From 127.0.0.1, or from another loopback address; fd is -1 on failure. */
struct client client_open(const struct http_fixture *f);
struct client client_open_from(const struct http_fixture *f, const char *from);
/* Sends all, as far as the server takes it. */
bool client_send(struct client *c, const void *data, size_t len);
bool client_sends(struct client *c, const char *text);
/* Reads one answer; no_body for HEAD. False if it is not complete. */
bool client_read(struct client *c, bool no_body, struct answer *a);
/* Whether the server ends the connection without sending anything more. */
bool client_ended(struct client *c);
void client_close(struct client *c);

/* send and read in one. */
bool client_ask(struct client *c, const char *request, struct answer *a);
/* On a connection of its own: does the server answer GET /ok? */
bool http_fixture_alive(const struct http_fixture *f);

/* A header's value in a static buffer, by case-insensitive name; NULL if it is not there. */
const char *answer_header(const struct answer *a, const char *name);
/* The member "code" of a problem document, in a static buffer; "" if there is none. */
const char *answer_code(const struct answer *a);
void answer_fini(struct answer *a);

#endif
