/*
 * default_abi.h - what an addon is built for when nobody says it: read from the package itself.
 */
#ifndef BUILDER_SOURCE_DEFAULT_ABI_H
#define BUILDER_SOURCE_DEFAULT_ABI_H

#include "builder/model/abi.h"

struct json;

/*
 * The highest Node-API version in package.json's binary.napi_versions, as prebuild-install would ask
 * for; else the NAPI_VERSION that binding.gyp defines; else, if a source includes Node-API's headers
 * or the package depends on node-addon-api, version 8, which every supported Node has. Otherwise the
 * addon uses V8, and is for `node_abi`. `source` is the unpacked package. Blocks.
 */
struct abi default_abi(const char *source, const struct json *manifest, unsigned node_abi);

#endif
