#include "builder/audit/elf_ranges.h"

#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_read.h"
#include "builder/base/mem.h"

void
elf_ranges_add(struct elf_ranges *r, uint64_t offset, uint64_t size, size_t len)
{
	if (size == 0 || offset > len || size > len - offset)
		return;
	if ((r->count & (r->count - 1)) == 0) /* full at powers of two */
		r->at = xrealloc(r->at, (r->count > 0 ? 2 * r->count : 1) * sizeof *r->at);
	r->at[r->count++] = (struct elf_range){offset, offset + size};
}

void
elf_ranges_add_read_only(struct elf_ranges *r, const struct elf *elf, size_t len)
{
	for (size_t i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].type == PT_LOAD && (elf->segments[i].flags & PF_W) == 0)
			elf_ranges_add(r, elf->segments[i].offset, elf->segments[i].filesz, len);
}

void
elf_ranges_add_code(struct elf_ranges *r, const struct elf *elf, size_t len)
{
	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_PROGBITS &&
		    (elf->sections[i].flags & SHF_EXECINSTR) != 0)
			elf_ranges_add(r, elf->sections[i].offset, elf->sections[i].size, len);
	for (size_t i = 0; elf->section_count == 0 && i < elf->segment_count; i++)
		if (elf->segments[i].type == PT_LOAD && (elf->segments[i].flags & PF_X) != 0)
			elf_ranges_add(r, elf->segments[i].offset, elf->segments[i].filesz, len);
}

static int
compare(const void *a, const void *b)
{
	const struct elf_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void
elf_ranges_merge(struct elf_ranges *r)
{
	size_t kept = 0;

	if (r->count == 0)
		return;
	qsort(r->at, r->count, sizeof *r->at, compare);
	for (size_t i = 1; i < r->count; i++) {
		if (r->at[i].start > r->at[kept].end)
			r->at[++kept] = r->at[i];
		else if (r->at[i].end > r->at[kept].end)
			r->at[kept].end = r->at[i].end;
	}
	r->count = kept + 1;
}

void
elf_ranges_fini(struct elf_ranges *r)
{
	free(r->at);
	*r = (struct elf_ranges){0};
}
