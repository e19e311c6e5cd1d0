/*
 * follow.h - builds that were requested, followed to their ends.
 */
#ifndef BUILDER_CLI_FOLLOW_H
#define BUILDER_CLI_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/err.h"
#include "builder/remote/remote.h"

struct json;
struct progress;

/* From now on SIGINT and SIGTERM do not end the program but the following. */
void follow_until_interrupted(void);

/* Set by those signals; can be polled as a request's `cancel`. */
extern atomic_bool follow_interrupted;

/* Neither ended nor cancelled? */
bool follow_is_open(const struct json *build);

/* builds: objects of GET /v1/builds/{id}, each replaced by every newer state. A server that is
 * starting again is waited for, for half a minute. quiet: shows nothing. ERR_INTERRUPTED says that the
 * builds go on. Blocks. */
int follow_builds(const struct remote *r, struct json **builds, size_t count, struct progress *p,
		  bool quiet, struct err *e);

/* The error that a build which has not succeeded is. */
int follow_judge(const struct json *build, struct err *e);

#endif
