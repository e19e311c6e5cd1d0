#include "builder/audit/elf_functions.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "builder/audit/elf_read.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define VADDR   0x10000u
#define TABLE   0x100u /* of .eh_frame_hdr, in the file */
#define ENTRIES 0x400u /* of .eh_frame */
#define SIZE    0x800u

/* A file that is one segment, with a table for unwinding of functions at the given addresses. */
struct image {
	unsigned char data[SIZE];
	struct elf_segment segments[2];
	struct elf elf;
};

static void
put(struct image *m, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		m->data[at + i] = (unsigned char)(value >> 8 * i);
}

/* Length 0: the entry is written in another way, which does not say the end. */
static void
add(struct image *m, uint32_t n, uint32_t start, uint32_t length)
{
	uint32_t entry = ENTRIES + 16 * n;

	put(m, TABLE + 8, n + 1);
	put(m, TABLE + 12 + 8 * n, start - (VADDR + TABLE));
	put(m, TABLE + 16 + 8 * n, VADDR + entry - (VADDR + TABLE));
	put(m, entry, 12);
	put(m, entry + 8, length > 0 ? start - (VADDR + entry + 8) : 0x7777);
	put(m, entry + 12, length);
}

static void
init(struct image *m)
{
	*m = (struct image){
		.data = {[TABLE] = 1, [TABLE + 1] = 0x1b, [TABLE + 2] = 3, [TABLE + 3] = 0x3b}};
	m->segments[0] = (struct elf_segment){
		.type = PT_LOAD, .flags = PF_R, .vaddr = VADDR, .filesz = SIZE, .memsz = SIZE};
	m->segments[1] = (struct elf_segment){.type = PT_GNU_EH_FRAME,
					      .flags = PF_R,
					      .offset = TABLE,
					      .vaddr = VADDR + TABLE,
					      .filesz = 0x200,
					      .memsz = 0x200};
	m->elf = (struct elf){.class = ELFCLASS64,
			      .data = ELFDATA2LSB,
			      .segments = m->segments,
			      .segment_count = 2};
}

static size_t
functions(const struct image *m, struct elf_function out[8])
{
	struct elf_function *f;
	size_t count = elf_functions(&m->elf, m->data, &f);

	for (size_t i = 0; i < count && i < 8; i++)
		out[i] = f[i];
	free(f);
	return count;
}

TEST(functions_are_found_with_their_ends)
{
	struct elf_function f[8];
	struct image m;

	init(&m);
	add(&m, 0, 0x20000, 0x40);
	add(&m, 1, 0x20080, 0);     /* up to the next */
	add(&m, 2, 0x20100, 0x900); /* too long: up to the next */
	add(&m, 3, 0x20200, 0x10);
	add(&m, 4, 0xf000, 0x10);  /* below the table, and out of order */
	add(&m, 5, 0x20200, 0x20); /* twice */
	if (!CHECK_INT((int64_t)functions(&m, f), 5))
		return;
	CHECK(f[0].start == 0xf000 && f[0].end == 0xf010);
	CHECK(f[1].start == 0x20000 && f[1].end == 0x20040);
	CHECK(f[2].start == 0x20080 && f[2].end == 0x20100);
	CHECK(f[3].start == 0x20100 && f[3].end == 0x20200);
	CHECK(f[4].start == 0x20200 && (f[4].end == 0x20210 || f[4].end == 0x20220));
}

TEST(what_is_no_table)
{
	struct elf_function f[8];
	struct image m;

	init(&m);
	CHECK_INT((int64_t)functions(&m, f), 0);
	add(&m, 0, 0x20000, 0x40);
	CHECK_INT((int64_t)functions(&m, f), 1);
	m.data[TABLE] = 2; /* version */
	CHECK_INT((int64_t)functions(&m, f), 0);
	m.data[TABLE] = 1;
	m.data[TABLE + 3] = 0x1b; /* encoding */
	CHECK_INT((int64_t)functions(&m, f), 0);
	m.data[TABLE + 3] = 0x3b;
	m.segments[1].filesz = 8;
	CHECK_INT((int64_t)functions(&m, f), 0);
	/* A count that the segment does not have room for. */
	m.segments[1].filesz = 12 + 8;
	put(&m, TABLE + 8, UINT32_MAX);
	CHECK_INT((int64_t)functions(&m, f), 1);
	/* An entry outside of the file: the function has no end. */
	put(&m, TABLE + 16, 0x7fffffff);
	if (CHECK_INT((int64_t)functions(&m, f), 1))
		CHECK(f[0].end == f[0].start);
	m.elf.segment_count = 1;
	CHECK_INT((int64_t)functions(&m, f), 0);
}
