/*
 * target.h - the request target (RFC 9112, section 3.2): origin-form, and absolute-form as every
 * server must take it. The path is percent-decoded once, repeated slashes become one, and what a
 * file system or a second decoder could read differently is refused: "." and ".." segments,
 * control characters, bytes that are not UTF-8, an encoded slash other than npm's "@scope%2fname".
 * Internal to api/http.
 */
#ifndef API_HTTP_TARGET_H
#define API_HTTP_TARGET_H

#include <stddef.h>

#include "api/http/fault.h"

#define HTTP_QUERY_MAX 32

/* Strings inside the text that was parsed. */
struct http_target {
	const char *path; /* "/…", NUL-terminated */
	size_t path_len;
	struct {
		const char *name;
		const char *value;
	} query[HTTP_QUERY_MAX];
	size_t query_count;
};

/* Decodes text in place; text[len] must be writable. 0, or -1 with f set. */
int http_target_parse(struct http_target *t, char *text, size_t len, struct fault *f);

/* The first value of that name, or NULL. */
const char *http_target_query(const struct http_target *t, const char *name);

#endif
