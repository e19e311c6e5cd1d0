/*
 * arm_code.h - is 32-bit ARM code written for ARMv7? Linkers keep the build attributes of their
 * first input only, which is the toolchain's own start-up code, so they say nothing of the rest.
 * Source: Arm Architecture Reference Manual, ARMv7-A (DDI 0406), A8.8: MOV (immediate) and MOVT.
 */
#ifndef BUILDER_AUDIT_ARM_CODE_H
#define BUILDER_AUDIT_ARM_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;

/*
 * A function that is exported as Thumb code: where floating-point numbers are passed in registers,
 * it can only be Thumb-2. NULL if there is none; else its name, which lives as long as `elf`.
 */
const char *arm_thumb_function(const struct elf *elf);

/*
 * Where a constant of 32 bits is loaded in two halves, as every compiler does for ARMv7 and none
 * can before; *offset is the first such place in the file. False if there is none. `data` is what
 * elf_read was given, of `len` bytes.
 */
bool arm_loads_halves(const struct elf *elf, const void *data, size_t len, uint64_t *offset);

#endif
