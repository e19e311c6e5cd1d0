/*
 * build_request.h - what POST /v1/builds asks for, from the JSON of its body. Pure: what is said there
 * is checked against the names that there are, and nothing is looked up.
 */
#ifndef API_ROUTES_BUILD_REQUEST_H
#define API_ROUTES_BUILD_REQUEST_H

#include <stdbool.h>

#include "builder/base/err.h"

struct build_request;
struct json;

/* Fills package, version, origin, targets and abis of *want, which is zero there before; its strings are those
 * of body, or static. With *all no target is named. ERR_INVALID, ERR_UNSUPPORTED or ERR_TOO_LARGE, with the
 * field in the text. */
int
build_request_read(const struct json *body, struct build_request *want, bool *all, struct err *e);

/* Adds a target by any of its names, once. */
int build_request_add_target(struct build_request *want, const char *name, struct err *e);

#endif
