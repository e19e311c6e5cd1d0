/*
 * plan_toolchain.h - a toolchain whose words say what they stand for, for tests that plan and run nothing.
 */
#ifndef TESTS_LIB_PLAN_TOOLCHAIN_H
#define TESTS_LIB_PLAN_TOOLCHAIN_H

#include "builder/toolchain/toolchain.h"

/* For a target by its triple or Node's name for it; toolchain_fini frees it. */
void plan_toolchain(const char *target, struct toolchain *out);

#endif
