/*
 * npm.h - the npm that fetches a source's dependencies: its command line, and what its errors mean. It runs
 * in the sandbox with the network, and no script of any package does.
 */
#ifndef BUILDER_ENGINE_NPM_H
#define BUILDER_ENGINE_NPM_H

#include <stdbool.h>

#include "builder/base/buf.h"
#include "builder/base/strv.h"

/*
 * Appends the command. hosts: whom npm may ask, separated by commas, or NULL for anybody: what a dependency
 * says of where it comes from is only known, and refused, once npm has asked there, and it must not reach
 * what only the worker's network does. A proxy of the environment `env` decides by itself instead. before:
 * RFC 3339, as of when versions are chosen, or "".
 */
void npm_install(const char *registry, const char *hosts, const char *before,
		 const struct strv *env, struct strv *argv);

/* Of npm's output: its first error, or NULL; the URL on a host that it may not ask, "elsewhere" if it does
 * not say, or NULL. The caller frees them. */
char *npm_error(const struct buf *output);
char *npm_wanted_elsewhere(const struct buf *output);

/* No version of a dependency is as old as `before`. */
bool npm_found_none(const struct buf *output);

#endif
