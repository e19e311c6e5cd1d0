/*
 * listing.h - the XML that an S3 service answers with: a page of ListObjectsV2, or why it refused. Uses expat.
 * What it says is not trusted: no document type, names and numbers with limits.
 */
#ifndef API_STORE_LISTING_H
#define API_STORE_LISTING_H

#include <stddef.h>

#include "api/store/bucket.h"

#define LISTING_TEXT_MAX 2048 /* of one element: a key has at most 1024 bytes */

struct listing {
	bucket_on_object on_object;
	void *arg;
	char next[LISTING_TEXT_MAX]; /* the continuation token of the page after it, or empty */
};

struct s3_error {
	char code[64], message[256]; /* empty if it did not say */
};

/* Tells of each object of a page, and sets `next`. ERR_BUSY if it is no such page. */
int listing_read(const char *xml, size_t len, struct listing *page, struct err *e);

/* Control characters become '?'. */
void listing_error(const char *xml, size_t len, struct s3_error *out);

#endif
