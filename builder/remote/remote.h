/*
 * remote.h - a client of the service's HTTP API, for the worker and for prebuildctl. Blocks.
 *
 * An answer that is a problem (RFC 9457) becomes an error with the problem's code and detail.
 */
#ifndef BUILDER_REMOTE_REMOTE_H
#define BUILDER_REMOTE_REMOTE_H

#include <stdatomic.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/err.h"

struct json;

struct remote {
	char *url;           /* without a trailing slash */
	char *token;         /* or NULL */
	atomic_bool *cancel; /* ends what is under way; NULL for none */
};

/* token: NULL, or what is shown as Bearer token; copied. */
int remote_init(struct remote *r, const char *url, const char *token, struct err *e);
void remote_fini(struct remote *r);

/* The first line of a file into *token, which the caller frees; NULL without a file. */
int remote_read_token(const char *file, char **token, struct err *e);

/* Appends a parameter to a path: "?name=value", or "&name=value" behind another. What could mean something
 * else there (RFC 3986) is encoded; "/" and "@" could not. */
void remote_add_query(struct buf *path, const char *name, const char *value);

/* One exchange. body: NULL, or JSON that is not taken over. out: NULL, or gets the answer's JSON
 * (NULL for an empty answer), which the caller frees. seconds: 0 for no limit. */
int remote_json(const struct remote *r, const char *method, const char *path,
		const struct json *body, unsigned seconds, struct json **out, struct err *e);

/* All pages of a list: what is in their `member`, as one array, which the caller frees; NULL after an
 * error. */
int remote_list(const struct remote *r, const char *path, const char *member, unsigned seconds,
		struct json **out, struct err *e);

/* Sends bytes, or a file. out: NULL, or gets the answer's JSON, which the caller frees. */
int remote_send(const struct remote *r, const char *method, const char *path, const void *data,
		size_t len, struct err *e);
int remote_send_file(const struct remote *r, const char *path, const char *file, struct json **out,
		     struct err *e);

/* A GET whose body goes to a new file (written whole or not at all); digest: "sha256:…" of the
 * X-Prebuild-Digest header, or empty, 80 bytes; may be NULL. */
int remote_save(const struct remote *r, const char *path, const char *file, char *digest,
		struct err *e);

/* A GET whose body is handed over piece by piece; non-zero from on_data ends it. */
int
remote_stream(const struct remote *r, const char *path,
	      int (*on_data)(const void *data, size_t len, void *arg), void *arg, struct err *e);

#endif
