/*
 * facts.h - prints what is known of an ELF file, in readelf's words and one fact a line, so that
 * what two readers say can be compared: ours, readelf (tests/lib/readelf_facts.awk) and libelf.
 */
#ifndef TESTS_LIB_FACTS_H
#define TESTS_LIB_FACTS_H

#include "builder/audit/elf_read.h"

/* The start of a file's facts. Header lines of readelf's report stand in the same place. */
void facts_file(const char *path);

/* All but the relocations' entries and what only one processor has. */
void facts_print(const struct elf *elf);

/* One entry of a relocation table; not for MIPS, whose 64-bit files write them differently. */
void facts_reloc(const struct elf *elf, const struct elf_reloc *r, bool addend);

#endif
