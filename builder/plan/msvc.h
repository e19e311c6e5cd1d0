/*
 * msvc.h - what a package's binding.gyp says to Microsoft's tools on Windows, said to clang and lld.
 *
 * There, as under node-gyp itself, cflags and ldflags count for nothing; msvs_settings do. What has a
 * meaning for the result is translated: language standard, optimisation, exceptions, RTTI, defines,
 * include folders, libraries. What says how to run the tools (warnings, debug data, processes) is left
 * out silently, other options by name. Source: gyp's MSVSSettings.py, and the tools' own options.
 */
#ifndef BUILDER_PLAN_MSVC_H
#define BUILDER_PLAN_MSVC_H

#include <stdbool.h>

#include "builder/base/strv.h"

struct json;

/* The flags of one C or C++ source; `release` is what plan.py wrote of the unit's configuration. */
void
msvc_add_compile(const struct json *release, bool cxx, struct strv *argv, struct strv *dropped);

/* One entry of "libraries": "-lws2_32.lib". Node's own library and the delay-load helper are left
 * out: the toolchain brings them. */
void msvc_add_library(const char *entry, struct strv *argv);

/* The libraries that VCLinkerTool names, and its options, which are all dropped. */
void msvc_add_linker(const struct json *release, struct strv *argv, struct strv *dropped);

/* Is this the source file that node-gyp adds to every addon for Windows? The toolchain has its own. */
bool msvc_is_hook(const char *source);

#endif
