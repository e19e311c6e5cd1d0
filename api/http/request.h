/*
 * request.h - what a handler sees of a request. Strings live until the reply is complete.
 */
#ifndef API_HTTP_REQUEST_H
#define API_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/digest.h"

struct http_request;
struct json;
struct err;

const char *http_method(const struct http_request *r);

/* The path, percent-decoded once, repeated slashes collapsed, "." and ".." segments refused
 * before a handler runs. */
const char *http_path(const struct http_request *r);

/* The pattern of its route. */
const char *http_route_pattern(const struct http_request *r);

/* A "{name}" part of the route's pattern, never NULL for a name that is in it. */
const char *http_param(const struct http_request *r, const char *name);

/* A query parameter, decoded; NULL if it is not there; the first of several. */
const char *http_query(const struct http_request *r, const char *name);

/* A header's value by lower-case name; NULL if it is not there. */
const char *http_header(const struct http_request *r, const char *name);

/* "127.0.0.1", without the port. */
const char *http_peer(const struct http_request *r);

/* The body of a HTTP_BODY_BUF route. */
const char *http_body(const struct http_request *r, size_t *len);

/* The body as a JSON object: NULL with e set if it is none. The caller frees it. */
struct json *http_body_json(const struct http_request *r, struct err *e);

/* The body of a HTTP_BODY_SPOOL route: path of the file, its size and digest. The file is removed
 * after the reply unless it was renamed away before. */
const char *http_spool(const struct http_request *r, uint64_t *size, struct digest *digest);

/* The client has closed its side or failed; a reply will reach nobody. */
bool http_gone(const struct http_request *r);

/* Called once when the client goes away before the reply, or when the server closes and waits no
 * longer, so that long waits can end early; never from inside this call. The handler must still
 * reply: a client that has only closed its own side gets to see it. NULL clears it. */
void
http_on_gone(struct http_request *r, void (*on_gone)(struct http_request *, void *), void *data);

/* Whether this is HEAD: replies leave the body out by themselves. */
bool http_is_head(const struct http_request *r);

#endif
