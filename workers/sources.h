/*
 * sources.h - the source bundles that a worker has downloaded, by digest: jobs that need the same
 * one at the same time download it once. Thread-safe.
 */
#ifndef WORKERS_SOURCES_H
#define WORKERS_SOURCES_H

#include <stdint.h>

#include "builder/base/err.h"

struct remote;
struct sources;

/* dir: made when the first one is kept. */
struct sources *sources_new(const char *dir);
void sources_free(struct sources *s);

/* The path of the bundle with this SHA-256 (64 hex digits), which the caller frees; downloaded if it
 * is not there, and verified in any case. Blocks, also while another thread downloads it. */
int sources_get(struct sources *s, const struct remote *remote, const char *hex, char **path,
		struct err *e);

/* What is used within this time of being got stays there for it. */
#define SOURCES_USE_SECONDS 600

/* Removes the bundles that were not got for longest until `bytes` are left. Blocks. */
void sources_trim(struct sources *s, uint64_t bytes);

#endif
