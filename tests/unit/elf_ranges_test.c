#include "builder/audit/elf_ranges.h"

#include <elf.h>

#include "builder/audit/elf_read.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

TEST(each_byte_is_named_once)
{
	struct elf_ranges r = {0};

	elf_ranges_merge(&r);
	CHECK_INT((int64_t)r.count, 0);
	elf_ranges_add(&r, 50, 10, 100);
	elf_ranges_add(&r, 0, 20, 100);
	elf_ranges_add(&r, 0, 20, 100);
	elf_ranges_add(&r, 5, 5, 100);
	elf_ranges_add(&r, 20, 5, 100);
	elf_ranges_add(&r, 55, 20, 100);
	elf_ranges_add(&r, 90, 10, 100);
	elf_ranges_merge(&r);
	if (CHECK_INT((int64_t)r.count, 3)) {
		CHECK(r.at[0].start == 0 && r.at[0].end == 25);
		CHECK(r.at[1].start == 50 && r.at[1].end == 75);
		CHECK(r.at[2].start == 90 && r.at[2].end == 100);
	}
	elf_ranges_fini(&r);
	CHECK(r.count == 0 && r.at == NULL);
}

TEST(what_is_not_in_the_file_is_left_out)
{
	struct elf_ranges r = {0};

	elf_ranges_add(&r, 0, 0, 100);
	elf_ranges_add(&r, 100, 1, 100);
	elf_ranges_add(&r, 90, 11, 100);
	elf_ranges_add(&r, 101, 1, 100);
	elf_ranges_add(&r, UINT64_MAX, 2, 100);
	elf_ranges_add(&r, 1, UINT64_MAX, 100);
	CHECK_INT((int64_t)r.count, 0);
	elf_ranges_add(&r, 0, 100, 100);
	CHECK_INT((int64_t)r.count, 1);
	elf_ranges_fini(&r);
}

TEST(code_and_constants_of_a_file)
{
	struct elf_segment segments[] = {
		{.type = PT_LOAD, .flags = PF_R, .offset = 0, .filesz = 10},
		{.type = PT_LOAD, .flags = PF_R | PF_X, .offset = 20, .filesz = 10},
		{.type = PT_LOAD, .flags = PF_R | PF_W, .offset = 40, .filesz = 10},
		{.type = PT_NOTE, .flags = PF_R, .offset = 60, .filesz = 10},
	};
	struct elf elf = {.segments = segments, .segment_count = ARRAY_SIZE(segments)};
	struct elf_ranges r = {0};

	elf_ranges_add_read_only(&r, &elf, 100);
	elf_ranges_merge(&r);
	if (CHECK_INT((int64_t)r.count, 2))
		CHECK(r.at[0].end == 10 && r.at[1].start == 20);
	elf_ranges_fini(&r);
}
