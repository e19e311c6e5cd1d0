/*
 * source.h - a source on this machine, on its way to the service: a folder or a tarball.
 *
 * A folder is packed deterministically, so that the same files are the same source. Left out are .git
 * and .npmrc (which may hold a password) wherever they are, and node_modules and build at the top,
 * which npm and node-gyp make anew. Everything else comes along, whatever `files` or .npmignore say. A
 * tarball is sent as it is.
 */
#ifndef BUILDER_CLI_SOURCE_H
#define BUILDER_CLI_SOURCE_H

#include "builder/base/err.h"

struct remote;

/* Uploads it; *source is what POST /v1/builds calls it, "sha256:…", which the caller frees. */
int source_upload(const struct remote *r, const char *path, char **source, struct err *e);

#endif
