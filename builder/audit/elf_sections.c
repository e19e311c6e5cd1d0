#include <elf.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

#define SHDR_SIZE(wide) ((wide) ? 64u : 40u)

static struct elf_section
section_at(const struct elf_bytes *b, uint64_t at)
{
	uint64_t word = b->wide ? 8 : 4;

	return (struct elf_section){
		.name = "",
		.type = bytes_u32(b, at + 4),
		.flags = bytes_word(b, at + 8),
		.addr = bytes_word(b, at + 8 + word),
		.offset = bytes_word(b, at + 8 + 2 * word),
		.size = bytes_word(b, at + 8 + 3 * word),
	};
}

/* Fills names from the section that holds them; a name that does not end inside it stays "". */
static void
name_sections(struct elf_reader *r, uint64_t table, const struct elf_section *names)
{
	const struct elf_bytes *b = &r->bytes;
	const char *base, *last;

	if (names->type != SHT_STRTAB || !bytes_have(b, names->offset, names->size))
		return;
	base = (const char *)b->data + names->offset;
	last = memrchr(base, '\0', (size_t)names->size);
	if (last == NULL)
		return;
	for (size_t i = 0; i < r->elf->section_count; i++) {
		uint32_t name = bytes_u32(b, table + i * SHDR_SIZE(b->wide));

		if (name <= (uint64_t)(last - base))
			r->elf->sections[i].name = base + name;
	}
}

int
elf_read_sections(struct elf_reader *r)
{
	const struct elf_bytes *b = &r->bytes;
	struct elf *elf = r->elf;
	uint64_t table = bytes_word(b, b->wide ? 40 : 32);
	unsigned entry = bytes_u16(b, b->wide ? 58 : 46);
	uint64_t count = bytes_u16(b, b->wide ? 60 : 48);
	uint64_t names = bytes_u16(b, b->wide ? 62 : 50);

	if (table == 0 || entry != SHDR_SIZE(b->wide))
		return 0;
	elf->sections_cut = !bytes_have(b, table, entry);
	if (elf->sections_cut)
		return 0;
	if (count == 0) /* the gABI's way to have more than 65279 */
		count = section_at(b, table).size;
	if (names == SHN_XINDEX)
		names = bytes_u32(b, table + (b->wide ? 40 : 24));
	if (count > ELF_SHDRS_MAX)
		return err_set(r->err, ERR_LIMIT, "%llu section headers, at most %d are read",
			       (unsigned long long)count, ELF_SHDRS_MAX);
	elf->sections_cut = !bytes_have(b, table, count * entry);
	if (count == 0 || elf->sections_cut)
		return 0;
	elf->sections = xcalloc((size_t)count, sizeof *elf->sections);
	elf->section_count = (size_t)count;
	for (size_t i = 0; i < elf->section_count; i++)
		elf->sections[i] = section_at(b, table + i * entry);
	if (names < count)
		name_sections(r, table, &elf->sections[names]);
	for (size_t i = 0; i < elf->section_count; i++)
		elf->has_debug_info |= elf->sections[i].type == SHT_PROGBITS &&
				       (strcmp(elf->sections[i].name, ".debug_info") == 0 ||
					strcmp(elf->sections[i].name, ".zdebug_info") == 0);
	return 0;
}
