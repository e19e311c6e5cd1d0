/*
 * hand_in.h - an addon that was built elsewhere, given to the service to publish.
 */
#ifndef BUILDER_CLI_HAND_IN_H
#define BUILDER_CLI_HAND_IN_H

#include "builder/base/err.h"
#include "builder/model/name.h"

struct json;
struct remote;

/* n: its package, version, ABI and target. addon: what the package calls the addon that `file` is, or
 * NULL: `file` is a tarball with one. artifact: what is published, which the caller frees. */
int hand_in(const struct remote *r, const struct name *n, const char *file, const char *addon,
	    struct json **artifact, struct err *e);

#endif
