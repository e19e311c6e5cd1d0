/*
 * fetch.h - HTTP GET for package sources: registry documents and tarballs. Uses libcurl; blocks.
 *
 * Proxies and extra certificates come from the usual variables (http_proxy …, CURL_CA_BUNDLE,
 * SSL_CERT_FILE, NODE_EXTRA_CA_CERTS).
 */
#ifndef BUILDER_TRANSFER_FETCH_H
#define BUILDER_TRANSFER_FETCH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/buf.h"
#include "builder/base/err.h"

#define FETCH_SECONDS_DEFAULT 300

struct fetch_limits {
	uint64_t bytes;      /* of the body, after decompression */
	unsigned seconds;    /* for everything, retries too; 0 for FETCH_SECONDS_DEFAULT */
	atomic_bool *cancel; /* polled; NULL for none */
};

/* Only http and https, also after a redirect (at most 5, and from https only to https):
 * ERR_UNSUPPORTED for others, ERR_INVALID for what is no URL. A status other than 200 is
 * ERR_NOT_FOUND (404, 410), ERR_FORBIDDEN (403) or ERR_UNREACHABLE; a body or header past its limit ERR_TOO_LARGE or
 * ERR_LIMIT; then ERR_TIMEOUT and ERR_CANCELLED. The message names the URL without its userinfo
 * and query. Transient failures (connection, 5xx, 429) are tried 3 times with growing pauses.
 *
 * Appends the body to out, which is as before after a failure. `accept` may be NULL. */
int fetch_buf(const char *url, const char *accept, const struct fetch_limits *l, struct buf *out,
	      struct err *e);

/* Into a new file at path; removed again on failure. *host, which the caller frees, is who answered at
 * last; it may be NULL. */
int fetch_file(const char *url, const struct fetch_limits *l, const char *path, char **host,
	       struct err *e);

/* The host of a URL, without its port; NULL if there is none. The caller frees it. */
char *fetch_host(const char *url);

#endif
