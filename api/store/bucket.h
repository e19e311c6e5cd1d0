/*
 * bucket.h - one bucket of an S3 service: put, get, list, delete, over libcurl with AWS Signature Version 4.
 *
 *   s3://BUCKET[/PREFIX][?endpoint=URL][&region=REGION]
 *
 * Without an endpoint it is Amazon's, by the bucket's own host; with one, the bucket is the path's first part,
 * as other servers want it. What the URL leaves out comes from the variables that Amazon's own tools read:
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION; the credentials always do:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
 *
 * All functions block, from any thread. What fails for a moment (no connection, 5xx, 429) is tried three times.
 * Errors: ERR_NOT_FOUND if there is no such object; ERR_BUSY for whatever else the service refuses, or if it does not
 * answer: none of that is the fault of who asks us.
 * Source of the format: Amazon S3 API Reference, 2006-03-01.
 */
#ifndef API_STORE_BUCKET_H
#define API_STORE_BUCKET_H

#include <stdint.h>

#include "builder/base/digest.h"
#include "builder/base/err.h"

struct bucket;

/* size: bytes. modified: ms since 1970, by the service's clock. */
typedef void (*bucket_on_object)(const char *key, uint64_t size, int64_t modified, void *arg);

/* url: what comes after "s3:". Asks nothing of the service. ERR_USAGE says what is wrong or missing. */
int bucket_open(const char *url, struct bucket **out, struct err *e);
void bucket_close(struct bucket *b);

/* Keys are relative to the prefix, of characters that need no escape. */
int bucket_put(const struct bucket *b, const char *key, const char *path, const char *hex,
	       struct err *e);

/* Writes the object to fd; ERR_TOO_LARGE past `limit` bytes. */
int bucket_get(const struct bucket *b, const char *key, int fd, uint64_t limit, struct err *e);

/* Every object whose key begins so, or, with `max` above 0, at most that many, in the order of their keys. */
int bucket_list(const struct bucket *b, const char *begin, unsigned max, bucket_on_object on_object,
		void *arg, struct err *e);

/* What is not there is no error. */
int bucket_delete(const struct bucket *b, const char *key, struct err *e);

#endif
