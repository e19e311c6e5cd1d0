/*
 * elf_functions.h - where the functions of a stripped file are: the table for unwinding names each
 * one's first byte and length. Source: LSB 5.0 core, 10.6 (.eh_frame, .eh_frame_hdr).
 */
#ifndef BUILDER_AUDIT_ELF_FUNCTIONS_H
#define BUILDER_AUDIT_ELF_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

struct elf;

#define ELF_FUNCTIONS_MAX 4000000

/* Virtual addresses, end exclusive. */
struct elf_function {
	uint64_t start, end;
};

/*
 * The functions by address, none of which overlaps the next; *out is the caller's to free. 0 and
 * NULL if there is no table, or it is not written as every linker writes it. `data` is what
 * elf_read was given. Never fails: what lies outside the file is left out.
 */
size_t elf_functions(const struct elf *elf, const void *data, struct elf_function **out);

#endif
