/*
 * elf_ranges.h - parts of a file that are to be searched. Headers may name the same bytes thousands
 * of times; here each byte is named once, so that no search takes longer than the file is long.
 */
#ifndef BUILDER_AUDIT_ELF_RANGES_H
#define BUILDER_AUDIT_ELF_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct elf;

/* Offsets in the file, end exclusive. */
struct elf_range {
	uint64_t start, end;
};

struct elf_ranges {
	struct elf_range *at;
	size_t count;
};

/* Start with {0}. What does not lie inside a file of `len` bytes as a whole is left out. */
void elf_ranges_add(struct elf_ranges *r, uint64_t offset, uint64_t size, size_t len);

/* The file parts of PT_LOAD segments that are not writable: code and constants. */
void elf_ranges_add_read_only(struct elf_ranges *r, const struct elf *elf, size_t len);

/* Executable code. Sections say where it is more exactly than segments, which may have constants
 * too; without section headers, the file parts of executable PT_LOAD segments. */
void elf_ranges_add_code(struct elf_ranges *r, const struct elf *elf, size_t len);

/* Sorts them, and makes one of those that overlap or touch. */
void elf_ranges_merge(struct elf_ranges *r);

void elf_ranges_fini(struct elf_ranges *r);

#endif
