/*
 * seed.h - what tests make for the parsers, kept as the fuzzers' first inputs (tests/fuzz/seeds.sh).
 */
#ifndef TESTS_LIB_SEED_H
#define TESTS_LIB_SEED_H

#include <stddef.h>

/* If the environment's SEEDS names a folder, writes head and data, one behind the other, to a file of
 * its folder `harness`, once for the same bytes. What is too large for a quick look is left out. */
void
seed_keep(const char *harness, const void *head, size_t head_len, const void *data, size_t len);

#endif
