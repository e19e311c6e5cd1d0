/*
 * privilege.h - a worker never builds as root.
 *
 * Started as root, it becomes `nobody` before it touches anything from outside. The two folders
 * that it needs are bound into a private mount namespace first, so that they are reachable even
 * below a home that others may not enter.
 */
#ifndef WORKERS_PRIVILEGE_H
#define WORKERS_PRIVILEGE_H

#include "builder/base/err.h"

#define PRIVILEGE_UID 65534 /* nobody */

/* If root: replaces *toolchains and *cache (heap strings) by paths that work after the drop, gives
 * the cache to nobody, and drops. Else nothing. */
int privilege_drop(char **toolchains, char **cache, struct err *e);

#endif
