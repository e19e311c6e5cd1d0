/*
 * limits.h - every bound of the HTTP server, with its name as users see it in an error.
 */
#ifndef API_HTTP_LIMITS_H
#define API_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Plain data; http_limits_default gives values for production. Sizes in bytes, times in ms. */
struct http_limits {
	size_t request_line;    /* method, target and version; 414 */
	size_t header_bytes;    /* the whole header block; 431 */
	size_t header_count;    /* 431 */
	size_t body;            /* a body that is kept in memory; 413 */
	uint64_t upload;        /* a body that is spooled to a file; 413 */
	unsigned connections;   /* open at once; above it new ones get 503 and are closed */
	unsigned per_address;   /* of these, from one address */
	unsigned pipeline;      /* requests on one connection before it is closed */
	uint64_t header_ms;     /* from the first byte to the end of the header block; 408 */
	uint64_t body_idle_ms;  /* between two pieces of a body; 408 */
	uint64_t body_ms;       /* a whole body; 408 */
	uint64_t idle_ms;       /* between requests on a kept connection */
	uint64_t write_idle_ms; /* a client that takes nothing */
	uint64_t drain_ms;      /* at shutdown, for replies under way */
};

struct http_limits http_limits_default(void);

#endif
