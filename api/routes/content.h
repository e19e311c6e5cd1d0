/*
 * content.h - replies with content of the store, wherever it is.
 */
#ifndef API_ROUTES_CONTENT_H
#define API_ROUTES_CONTENT_H

struct http_request;
struct service;

/* Replies with the content as a file of that type, which never changes. What is on this disk is opened at
 * once; what is not is fetched on the pool, once for all who ask for it meanwhile. hex is copied, type is not.
 * Consumes the request. */
void content_reply(struct service *s, struct http_request *r, const char *hex, const char *type);

/* At shutdown: who waits for what is not on its way yet is told to try again. */
void content_end_waits(struct service *s);

#endif
