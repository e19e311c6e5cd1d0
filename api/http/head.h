/*
 * head.h - the header block of a reply. Internal to api/http.
 */
#ifndef API_HTTP_HEAD_H
#define API_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

struct http_request;

/* Status line, Server and Date. Also decides whether the connection ends with this reply. */
void http_head_begin(struct http_request *r, int status);

/* One line; name and value are the server's own. */
void http_head_line(struct http_request *r, const char *name, const char *value);
void http_head_length(struct http_request *r, uint64_t length);

/* The handler's lines, Connection, the blank line. */
void http_head_end(struct http_request *r);

/* Whether the handler has added a header of this name. */
bool http_head_has(const struct http_request *r, const char *name);

#endif
