/*
 * upstreams.h - the packages whose own prebuilds are fetched where nothing is built here: what serve
 * --upstream says.
 */
#ifndef API_ROUTES_UPSTREAMS_H
#define API_ROUTES_UPSTREAMS_H

#include <stddef.h>

#include "builder/base/err.h"

struct upstreams;

/* given: "NAME=URL-TEMPLATE" (upstream.h), one for a package. ERR_USAGE names the wrong one. */
int upstreams_open(const char *const *given, size_t count, struct upstreams **out, struct err *e);
void upstreams_free(struct upstreams *u);

/* A package's template, as long as upstreams; NULL if it has none. */
const char *upstreams_find(const struct upstreams *u, const char *package);

#endif
