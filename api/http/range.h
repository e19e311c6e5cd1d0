/*
 * range.h - conditional and range requests for one representation (RFC 9110, sections 13 and 14).
 * Internal to api/http.
 */
#ifndef API_HTTP_RANGE_H
#define API_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum http_range {
	RANGE_ALL,     /* none, malformed, of another unit, or several: send everything */
	RANGE_PART,    /* 206 */
	RANGE_OUTSIDE, /* 416 */
};

/* A Range header's value for `size` bytes; with RANGE_PART first and len say what to send. */
enum http_range http_range_parse(const char *value, uint64_t size, uint64_t *first, uint64_t *len);

/* Whether If-None-Match's list holds the tag or "*" (weak comparison). etag without quotes. */
bool http_etag_listed(const char *list, const char *etag);

/* Whether If-Range's value is this tag (strong comparison); a date never is. */
bool http_etag_same(const char *value, const char *etag);

#endif
