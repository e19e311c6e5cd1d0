/*
 * load.h - really loading an addon: in the sandbox, with the runtime of its target's toolchain.
 */
#ifndef BUILDER_CHECK_LOAD_H
#define BUILDER_CHECK_LOAD_H

#include <stddef.h>

#include "builder/base/err.h"

struct json;
struct target;

/* Loads the addon with the toolchain of `target` in the folder `toolchains`. Returns the `load` object
 * of a report: {"ran":true,"runtime","emulator","ok","error"}; or {"ran":false,"reason"} if there is no
 * such toolchain, or nothing can run on this machine. The caller frees it. Blocks. */
struct json *
check_load(const char *toolchains, const struct target *target, const void *addon, size_t len);

#endif
