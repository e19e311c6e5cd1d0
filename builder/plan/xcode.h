/*
 * xcode.h - what a package's binding.gyp says to Xcode's tools on macOS, said to clang and lld.
 *
 * There, as under node-gyp itself, cflags and ldflags count for nothing; xcode_settings do. What has a
 * meaning for the result is translated; MACOSX_DEPLOYMENT_TARGET is not: the oldest macOS is the
 * toolchain's. Source: gyp's xcode_emulation.py.
 */
#ifndef BUILDER_PLAN_XCODE_H
#define BUILDER_PLAN_XCODE_H

#include <stdbool.h>

#include "builder/base/strv.h"

struct json;

/* The flags of one C or C++ source; `release` is what plan.py wrote of the unit's configuration. */
void
xcode_add_compile(const struct json *release, bool cxx, struct strv *argv, struct strv *dropped);

/* One entry of "libraries": "-lz", "libz.dylib", "CoreServices.framework" with or without a path below
 * $(SDKROOT). */
void xcode_add_library(const char *entry, struct strv *argv, struct strv *dropped);

/* OTHER_LDFLAGS. */
void xcode_add_linker(const struct json *release, struct strv *argv, struct strv *dropped);

#endif
