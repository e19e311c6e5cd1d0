#include <elf.h>
#include <stdio.h>

#include "builder/audit/elf_check.h"

/* Names come from the file and may be long. */
#define NAME_SHOWN 40

static const struct elf_section *
section_at(const struct elf *elf, uint64_t offset)
{
	for (size_t i = 0; i < elf->section_count; i++) {
		const struct elf_section *s = &elf->sections[i];

		if (s->type != SHT_NULL && s->type != SHT_NOBITS && offset >= s->offset &&
		    offset - s->offset < s->size)
			return s;
	}
	return NULL;
}

const char *
elf_place(const struct elf *elf, uint64_t offset, char out[ELF_PLACE_SIZE])
{
	const struct elf_section *s = section_at(elf, offset);

	snprintf(out, ELF_PLACE_SIZE, "offset 0x%llx%s%.*s", (unsigned long long)offset,
		 s != NULL ? " in " : "", NAME_SHOWN, s != NULL ? s->name : "");
	return out;
}

const char *
elf_place_of(const struct elf *elf, uint64_t vaddr, char out[ELF_PLACE_SIZE])
{
	char place[ELF_PLACE_SIZE];
	uint64_t offset;

	if (elf_offset(elf, vaddr, 1, &offset))
		snprintf(out, ELF_PLACE_SIZE, "0x%llx (%s)", (unsigned long long)vaddr,
			 elf_place(elf, offset, place));
	else
		snprintf(out, ELF_PLACE_SIZE, "0x%llx", (unsigned long long)vaddr);
	return out;
}
