/*
 * misses.h - between the two files of the mirror: prebuilds.c serves what is there, misses.c has
 * built, or fetched from upstream, what is not.
 */
#ifndef API_ROUTES_MISSES_H
#define API_ROUTES_MISSES_H

#include "builder/model/name.h"

struct http_request;
struct service;

enum prebuild_kind {
	PREBUILD_FILE,
	PREBUILD_SHA256,
	PREBUILD_REPORT,
	PREBUILD_SIGNATURE,
	PREBUILD_PROVENANCE
};

/* Replies with a published file or document, whose digest is hex, or with the line of a file's checksum.
 * Consumes the request. */
void prebuild_reply(struct service *s, struct http_request *r, const struct name *name,
		    enum prebuild_kind kind, const char *hex);

/* Has the prebuild built or fetched, if it may be, and replies when it is there or the client has waited
 * long enough. path is that of the file or document, copied as name is. Consumes the request. */
void miss_begin(struct service *s, struct http_request *r, const struct name *name,
		enum prebuild_kind kind, const char *path);

#endif
