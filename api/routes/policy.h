/*
 * policy.h - what a client that brings no token may have built by asking for a prebuild: packages of
 * a list, and only so many builds a minute for one address.
 */
#ifndef API_ROUTES_POLICY_H
#define API_ROUTES_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/err.h"

#define POLICY_ADDRESSES_MAX 1024 /* that start builds within the same minute */

struct policy;

/* packages: names separated by commas, or "any". per_minute: builds that one address may start. */
int policy_open(const char *packages, unsigned per_minute, struct policy **out, struct err *e);
void policy_free(struct policy *p);

bool policy_allows(const struct policy *p, const char *package);

/* Counts a build that an address starts; false, and nothing counted, if it has started its share, or
 * too many others have. An IPv6 client commands a whole /64, which counts as one. now: ms, any
 * monotonic clock. One thread only: the catalog's. */
bool policy_take(struct policy *p, const char *address, uint64_t now);

#endif
