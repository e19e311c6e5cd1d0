/*
 * audit_input.h - what the harnesses of the audit do with an input: its first byte chooses what the file is
 * judged for, so that the rules are reached whatever the file says; the rest is the file.
 */
#ifndef TESTS_FUZZ_AUDIT_INPUT_H
#define TESTS_FUZZ_AUDIT_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "builder/model/abi.h"
#include "builder/model/target.h"

/* The audit, its report and that as JSON. target NULL: for what the file is itself. Returns 0. */
int audit_input(const uint8_t *data, size_t size, const struct target *target, struct abi abi);

/* The same with a choice of `targets` or none, and of an ABI or none. count: at most 3. */
int
audit_input_choose(const uint8_t *data, size_t size, const struct target *targets, size_t count);

#endif
