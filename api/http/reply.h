/*
 * reply.h - the one answer to a request. Each function consumes the request: the caller touches
 * it no more. All are non-blocking and run on the loop thread.
 */
#ifndef API_HTTP_REPLY_H
#define API_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

struct http_request;
struct json;

/* Adds a header to the coming reply. Values with control characters are dropped, and so are the
 * headers that the server sets itself, and Content-Encoding. */
void reply_header(struct http_request *r, const char *name, const char *value);

/* Takes v over. */
void reply_json(struct http_request *r, int status, struct json *v);

void reply_text(struct http_request *r, int status, const char *type, const char *text, size_t len);

/* No body: 204, 304. */
void reply_empty(struct http_request *r, int status);

/* application/problem+json (RFC 9457): status, title, detail, code; `more` (may be NULL, taken
 * over) is an object whose members are added. */
void reply_problem(struct http_request *r, int status, const char *code, struct json *more,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The problem that an error stands for: status and code from its table. */
void reply_err(struct http_request *r, const struct err *e);

/* A file: Content-Length, ETag, If-None-Match (304), Range (206, one range; 416), HEAD; never a
 * Content-Encoding. Takes fd over. */
struct reply_file {
	int fd;
	uint64_t size;
	const char *type;
	const char *etag;          /* without quotes; NULL for none */
	const char *cache_control; /* NULL for none */
	bool no_range;             /* answer 200 even if a range was asked for */
};
void reply_file(struct http_request *r, const struct reply_file *f);

/* A body of unknown length (chunked; close-delimited for HTTP/1.0): logs that are followed and
 * event streams. After begin the request stays the caller's until reply_stream_end. add returns
 * false once the client is gone or does not keep up with `limit` bytes waiting; then end it. */
void reply_stream_begin(struct http_request *r, int status, const char *type);
bool reply_stream_add(struct http_request *r, const void *data, size_t len);
void reply_stream_end(struct http_request *r);

/* Bytes of a stream that the client has not taken yet. */
size_t reply_stream_pending(const struct http_request *r);

/* An interim 102 Processing, to keep a waiting client from giving up. False if this one cannot be told:
 * HTTP/1.0 has no interim answers, or it takes nothing any more. */
bool reply_processing(struct http_request *r);

#endif
