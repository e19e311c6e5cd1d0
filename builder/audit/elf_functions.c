#include "builder/audit/elf_functions.h"

#include <elf.h>
#include <stdlib.h>

#include "builder/audit/elf_parts.h"
#include "builder/base/mem.h"

/*
 * .eh_frame_hdr: version 1; encodings of the pointer to .eh_frame, of the count and of the table;
 * that pointer, the count; the table, pairs of a function's address and its entry's, both relative
 * to the header. Linkers write these encodings: 4 bytes each.
 */
#define HEADER_SIZE    12u
#define PAIR_SIZE      8u
#define VERSION        1u
#define COUNT_ENCODING 0x03u /* DW_EH_PE_udata4 */
#define TABLE_ENCODING 0x3bu /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */

/* An entry of .eh_frame: its size, its parent's place, then, mostly relative to itself, the address
 * and the length of the function. */
#define ENTRY_SIZE 16u

static int64_t
offset_at(const struct elf_bytes *b, uint64_t at)
{
	return (int32_t)bytes_u32(b, at);
}

/* The end of the function, or its start if the entry says it in another way. */
static uint64_t
end_of(const struct elf *elf, const struct elf_bytes *b, uint64_t start, uint64_t entry)
{
	uint64_t at;

	if (!elf_offset(elf, entry, ENTRY_SIZE, &at) ||
	    entry + 8 + (uint64_t)offset_at(b, at + 8) != start)
		return start;
	return start + bytes_u32(b, at + 12);
}

static int
compare(const void *a, const void *b)
{
	const struct elf_function *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Sorts; of the same start one is kept; an end that is unknown or too far is the next one's start.
 */
static size_t
arrange(struct elf_function *f, size_t count)
{
	size_t kept = 0;

	qsort(f, count, sizeof *f, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && f[i].start == f[kept - 1].start)
			continue;
		if (kept > 0 &&
		    (f[kept - 1].end == f[kept - 1].start || f[kept - 1].end > f[i].start))
			f[kept - 1].end = f[i].start;
		f[kept++] = f[i];
	}
	return kept;
}

size_t
elf_functions(const struct elf *elf, const void *data, struct elf_function **out)
{
	struct elf_bytes b = {
		.data = data,
		.big = elf->data == ELFDATA2MSB,
		.wide = elf->class == ELFCLASS64,
	};
	const struct elf_segment *s = NULL;
	struct elf_function *f;
	uint64_t count;

	*out = NULL;
	for (size_t i = 0; i < elf->segment_count && s == NULL; i++)
		if (elf->segments[i].type == PT_GNU_EH_FRAME)
			s = &elf->segments[i];
	if (s == NULL || s->filesz < HEADER_SIZE + PAIR_SIZE || b.data[s->offset] != VERSION ||
	    b.data[s->offset + 2] != COUNT_ENCODING || b.data[s->offset + 3] != TABLE_ENCODING)
		return 0;
	count = bytes_u32(&b, s->offset + 8);
	if (count > (s->filesz - HEADER_SIZE) / PAIR_SIZE)
		count = (s->filesz - HEADER_SIZE) / PAIR_SIZE;
	if (count > ELF_FUNCTIONS_MAX)
		count = ELF_FUNCTIONS_MAX;
	if (count == 0)
		return 0;
	f = xmalloc((size_t)count * sizeof *f);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = s->offset + HEADER_SIZE + i * PAIR_SIZE;

		f[i].start = s->vaddr + (uint64_t)offset_at(&b, at);
		f[i].end = end_of(elf, &b, f[i].start, s->vaddr + (uint64_t)offset_at(&b, at + 4));
	}
	*out = f;
	return arrange(f, (size_t)count);
}
