/*
 * router.h - which route answers a method and a path. Patterns are compiled once: each segment is
 * literal text around at most one "{name}" ("v{version}"), and a last "{name*}" takes the rest
 * with its slashes. The first route of the table whose pattern and method match wins; a parameter
 * never matches an empty text. Internal to api/http.
 */
#ifndef API_HTTP_ROUTER_H
#define API_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http/method.h"
#include "api/http/server.h"
#include "builder/base/buf.h"

#define HTTP_PARAMS_MAX 8

struct http_router;
struct http_pattern;

/* Plain data, {0} at first. http_match_fini frees what it holds; it may be matched again
 * without that. */
struct http_match {
	const struct http_route *route; /* NULL: no route */
	const struct http_pattern *pattern;
	size_t values[HTTP_PARAMS_MAX]; /* where each parameter begins in text */
	struct buf text;
	unsigned allow; /* with no route: bits of enum http_method that the path has */
};

/* The routes must outlive the router. ERR_INVALID names the pattern that cannot be compiled. */
int http_router_open(const struct http_route *routes, size_t count, struct http_router **out,
		     struct err *e);
void http_router_close(struct http_router *r);

/* Whether a route answers; if not, m->allow says whether the path exists at all. HEAD is answered
 * by a GET route. */
bool http_router_match(const struct http_router *r, enum http_method method, const char *path,
		       struct http_match *m);

/* The value of a parameter, NULL if the pattern has none of that name. */
const char *http_match_param(const struct http_match *m, const char *name);

/* "GET, HEAD, PUT" for m->allow. */
void http_match_allow(const struct http_match *m, struct buf *out);

void http_match_fini(struct http_match *m);

#endif
