/*
 * out.h - the bytes of a reply on their way to a socket: a header block, a body in memory, a part
 * of a file. Internal to api/http.
 */
#ifndef API_HTTP_OUT_H
#define API_HTTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/buf.h"

/* Files up to this size are read into memory and go out with their header in one call. */
#define OUT_SMALL_FILE (16 * 1024)

/* What one sendfile takes at most; also what is read ahead from a disk at a time. */
#define OUT_PIECE (512 * 1024)

/* Plain data; http_out_init prepares it. The buffers are kept from one reply to the next. */
struct http_out {
	struct buf extra; /* header lines that the handler has added */
	struct buf head;
	size_t head_sent;
	struct buf body;
	size_t body_sent;
	int fd; /* -1: no file */
	uint64_t at;
	uint64_t left;
	uint64_t warm; /* up to here the file was read ahead */
	uint64_t sent; /* all bytes of this reply so far */
};

enum out_result {
	OUT_DONE,
	OUT_BLOCKED, /* the socket takes no more, or it is the turn of others */
	OUT_COLD,    /* the next piece of the file is not in memory: http_out_load first */
	OUT_FAILED,  /* the connection is of no use any more */
};

void http_out_init(struct http_out *o);

/* Forgets a reply, closes its file, gives large buffers back. */
void http_out_reset(struct http_out *o);
void http_out_fini(struct http_out *o);

/* Writes what it can without blocking. */
enum out_result http_out_send(struct http_out *o, int socket);

/* Reads the next piece of the file into the page cache. Blocks: for the pool. */
void http_out_load(struct http_out *o);

/* Bytes in memory that are still to be sent. */
size_t http_out_pending(const struct http_out *o);

#endif
