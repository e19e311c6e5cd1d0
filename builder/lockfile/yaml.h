/*
 * yaml.h - the part of YAML in which pnpm and yarn write their lock files, as JSON. The only place
 * that knows which library parses it.
 */
#ifndef BUILDER_LOCKFILE_YAML_H
#define BUILDER_LOCKFILE_YAML_H

#include <stddef.h>

#include "builder/base/err.h"

struct json;

#define YAML_DEPTH_MAX 20
#define YAML_NODES_MAX 1000000 /* keys and values of a document */

/* Mappings, sequences and scalars; every scalar becomes a string. Of a name that stands twice in a
 * mapping the last value counts, of several documents the last. Anchors, aliases and tags, with which a
 * small text could become a large document, are refused, and keys that are no scalars. NULL and
 * ERR_MALFORMED with the line, or ERR_LIMIT. The caller frees the result with json_free. */
struct json *yaml_parse(const char *text, size_t len, struct err *e);

#endif
