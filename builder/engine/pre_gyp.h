/*
 * pre_gyp.h - the variables that node-pre-gyp hands to node-gyp: the binding.gyp of a package that is
 * installed by it does not evaluate without them.
 *
 * Source: node-pre-gyp 0.11 and 1.x, lib/util/handle_gyp_opts.js.
 */
#ifndef BUILDER_ENGINE_PRE_GYP_H
#define BUILDER_ENGINE_PRE_GYP_H

#include "builder/base/strv.h"
#include "builder/model/abi.h"

/* Adds node-gyp's flags for the package that is unpacked at `source` on this side, and at `mount` in the
 * sandbox; none if its package.json has no binary.module_name. Blocks. */
void pre_gyp_flags(const char *source, const char *mount, struct abi abi, struct strv *argv);

#endif
