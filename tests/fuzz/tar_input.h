/*
 * tar_input.h - how inputs that are archives are changed: so that they stay archives.
 */
#ifndef TESTS_FUZZ_TAR_INPUT_H
#define TESTS_FUZZ_TAR_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* What LLVMFuzzerCustomMutator of a harness does. A random change breaks the checksum of a header, and
 * nothing behind it is read any more: most inputs get right ones afterwards. */
size_t tar_input_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);

#endif
