/*
 * method.h - the request methods that the server knows. Internal to api/http.
 */
#ifndef API_HTTP_METHOD_H
#define API_HTTP_METHOD_H

#include <stddef.h>

/* X(name): those that a route can have, and those that are answered with 405. All others, CONNECT
 * among them, are answered with 501. */
#define HTTP_METHODS(X) \
	X(GET)          \
	X(HEAD)         \
	X(POST)         \
	X(PUT)          \
	X(DELETE)       \
	X(PATCH)        \
	X(OPTIONS)      \
	X(TRACE)

enum http_method {
#define X(name) METHOD_##name,
	HTTP_METHODS(X)
#undef X
		METHOD_OTHER
};

/* METHOD_OTHER if it is none of them; case matters. */
enum http_method http_method_parse(const char *text, size_t len);
const char *http_method_name(enum http_method m);

#endif
