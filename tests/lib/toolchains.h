/*
 * toolchains.h - the assembled toolchains, for tests that run real things in the real sandbox.
 */
#ifndef TESTS_LIB_TOOLCHAINS_H
#define TESTS_LIB_TOOLCHAINS_H

#include <stdbool.h>

#include "builder/toolchain/toolchain.h"

/* Opens the one for x86_64-linux-gnu, which every test run has; fails the test, with what to do,
 * and returns false if it is not there. */
bool test_toolchain(struct toolchain *t);

#endif
