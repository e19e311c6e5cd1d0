/*
 * flags.h - which of a package's compiler and linker flags are kept, and which ours are.
 */
#ifndef BUILDER_PLAN_FLAGS_H
#define BUILDER_PLAN_FLAGS_H

#include "builder/base/strv.h"

/* One gyp flag entry, which may hold several flags as a shell would split them. Flags that tie the
 * result to the build machine or that clang does not know go to dropped instead. */
void flags_add_package(const char *entry, struct strv *argv, struct strv *dropped);
void flags_add_linker(const char *entry, struct strv *argv, struct strv *dropped);

/* A flag that was left out, once, and not more than a person would read. */
void flags_drop(const char *flag, struct strv *dropped);

/* What every translation unit gets after the package's own flags. */
void flags_add_ours(struct strv *argv);

#endif
