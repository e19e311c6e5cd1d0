#include <elf.h>

#include "builder/audit/elf_parts.h"

/*
 * Relocation tables can be the largest part of a file and most rules do not need them, so only
 * their places are checked here; who needs an entry asks for it.
 */

static size_t
entry_size(const struct elf *elf, bool addends)
{
	return (elf->class == ELFCLASS64 ? 8u : 4u) * (addends ? 3u : 2u);
}

static int
place_table(struct elf_reader *r, size_t table, const char *name, uint64_t vaddr, uint64_t size,
	    bool addends)
{
	struct elf_reloc_table *t = &r->elf->relocs[table];
	uint64_t count = size / entry_size(r->elf, addends);

	if (count == 0)
		return 0;
	if (count > ELF_RELOCS_MAX)
		return err_set(r->err, ERR_LIMIT, "%s: more than %d relocations", name,
			       ELF_RELOCS_MAX);
	if (!elf_offset(r->elf, vaddr, size, &t->offset))
		return err_set(r->err, ERR_MALFORMED, "%s 0x%llx, %llu bytes, is in no segment",
			       name, (unsigned long long)vaddr, (unsigned long long)size);
	t->count = (size_t)count;
	t->addends = addends;
	return 0;
}

/* What is left of a table that ends with DT_JMPREL, as on RISC-V: loaders read the end once, and so
 * do we (glibc's elf/dynamic-link.h). */
static uint64_t
without_jmprel(const struct elf_dynamic *d, uint64_t vaddr, uint64_t size)
{
	bool inside = d->pltrelsz <= size && vaddr + size == d->jmprel + d->pltrelsz;

	return inside ? size - d->pltrelsz : size;
}

int
elf_read_relocs(struct elf_reader *r)
{
	const struct elf_dynamic *d = &r->dynamic;
	uint64_t relsz = d->relsz, relasz = d->relasz;
	int rc;

	if (d->pltrel == DT_RELA)
		relasz = without_jmprel(d, d->rela, relasz);
	else
		relsz = without_jmprel(d, d->rel, relsz);
	if ((rc = place_table(r, 0, "DT_REL", d->rel, relsz, false)) < 0 ||
	    (rc = place_table(r, 1, "DT_RELA", d->rela, relasz, true)) < 0)
		return rc;
	return place_table(r, 2, "DT_JMPREL", d->jmprel, d->pltrelsz, d->pltrel == DT_RELA);
}

struct elf_reloc
elf_reloc_at(const struct elf *elf, const void *data, size_t table, size_t i)
{
	const struct elf_reloc_table *t = &elf->relocs[table];
	struct elf_bytes b = {
		.data = data,
		.big = elf->data == ELFDATA2MSB,
		.wide = elf->class == ELFCLASS64,
	};
	uint64_t at = t->offset + i * entry_size(elf, t->addends);
	uint64_t word = b.wide ? 8 : 4;
	struct elf_reloc reloc = {.offset = bytes_word(&b, at)};
	uint64_t info = bytes_word(&b, at + word);

	if (t->addends)
		reloc.addend = bytes_word(&b, at + 2 * word);
	if (!b.wide) {
		reloc.symbol = (uint32_t)(info >> 8);
		reloc.type = info & 0xff;
	} else if (elf->machine == EM_MIPS) {
		/* Not one number there but a symbol and four bytes, the type last. */
		reloc.symbol = bytes_u32(&b, at + word);
		reloc.type = b.data[at + word + 7];
	} else {
		reloc.symbol = (uint32_t)(info >> 32);
		reloc.type = (uint32_t)info;
	}
	return reloc;
}
