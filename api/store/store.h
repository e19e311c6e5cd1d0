/*
 * store.h - published bytes: content by SHA-256, immutable, and the names that point to it,
 * behind an ops table that is chosen once by URL.
 *
 * All functions block (pool or start-up only), but store_resolve, store_open_here and store_is_remote, which are
 * a system call or two on local disk and are what the serving path calls.
 */
#ifndef API_STORE_STORE_H
#define API_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"

struct store;

/* An open file of the store; the caller closes fd. */
struct store_file {
	int fd;
	uint64_t size;
	char hex[DIGEST_HEX_SIZE];
};

/* size: bytes. put: when it was last put, ms since 1970. */
typedef void (*store_on_content)(const char *hex, uint64_t size, int64_t put, void *arg);

struct store_config {
	const char *url; /* "file:DIR" or "s3://BUCKET/PREFIX?endpoint=…&region=…" (bucket.h) */
	const char *dir; /* s3: the folder of the names and of copies … */
	uint64_t copies_max; /* … and how many bytes of these are kept */
	bool shared;         /* another process has opened it before: what is unfinished is its */
};

struct store_ops {
	const char *scheme;
	int (*open)(const char *location, const struct store_config *config, void **backend,
		    struct err *e);
	void (*close)(void *backend);
	int (*put)(void *backend, const char *path, const char *hex, struct err *e);
	int (*link)(void *backend, const char *name, const char *hex, struct err *e);
	int (*resolve)(void *backend, const char *name, char hex[DIGEST_HEX_SIZE], struct err *e);
	int (*open_here)(void *backend, const char *hex, struct store_file *out, struct err *e);
	/* Opens what open_here does not find; NULL if all of it always is there. */
	int (*fetch)(void *backend, const char *hex, struct store_file *out, struct err *e);
	int (*each)(void *backend, const char *prefix, store_on_content on_content, void *arg,
		    struct err *e);
	int (*remove)(void *backend, const char *hex, int64_t before, bool *removed, struct err *e);
	int (*unlink)(void *backend, const char *const *names, size_t count, struct err *e);
};

/* Leftovers of unfinished writes are removed. */
int store_open(const struct store_config *config, struct store **out, struct err *e);
void store_close(struct store *s);

/* Moves the file at path, which must lie in store_temp_dir, into the store. Its digest is computed
 * from the bytes, never believed. Durable when it returns; putting what is there already is no
 * error. On success path is gone. */
int store_put(struct store *s, const char *path, struct digest *digest, struct err *e);

/* Makes name (absolute, validated by the caller: "/prebuilds/…") stand for content that is in the
 * store. The same link again is no error; another digest is ERR_CONFLICT. Durable. */
int store_link(struct store *s, const char *name, const char *hex, struct err *e);

/* What a name stands for; ERR_NOT_FOUND if for nothing. Its content may be elsewhere, or gone. */
int store_resolve(struct store *s, const char *name, char hex[DIGEST_HEX_SIZE], struct err *e);

/* ERR_NOT_FOUND if there is none. The second only looks on this disk: what it does not find, the first may,
 * if the store is a remote one. */
int store_open_blob(struct store *s, const char *hex, struct store_file *out, struct err *e);
int store_open_here(struct store *s, const char *hex, struct store_file *out, struct err *e);
bool store_is_remote(const struct store *s);

/* Every content whose digest begins with `prefix`, two hex digits; in no order. */
int store_each(struct store *s, const char *prefix, store_on_content on_content, void *arg,
	       struct err *e);

/* Removes content that nothing refers to, unless it was put, first or again, since `before`: who has just put
 * it is about to refer to it. What is open for reading stays readable. */
int store_remove(struct store *s, const char *hex, int64_t before, bool *removed, struct err *e);

/* These names stand for nothing any more; one that is not there is no error. Durable. */
int store_unlink(struct store *s, const char *const *names, size_t count, struct err *e);

/* Where files to be put are written first: same file system, swept at start. */
const char *store_temp_dir(const struct store *s);

#endif
