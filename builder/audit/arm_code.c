#include "builder/audit/arm_code.h"

#include <elf.h>

#include "builder/audit/elf_parts.h"
#include "builder/audit/elf_ranges.h"

/* movw and movt with the condition "always"; bits 12 to 15 are the register. */
#define HALF_MASK 0xfff00000u
#define MOVW      0xe3000000u
#define MOVT      0xe3400000u
#define REGISTER  0x0000f000u
#define WORD_SIZE 4u

/* A compiler puts no more than this many words between the two. */
#define HALVES_APART 8u

const char *
arm_thumb_function(const struct elf *elf)
{
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *s = &elf->symbols[i];

		if (s->defined && s->type == STT_FUNC && (s->value & 1) != 0)
			return s->name;
	}
	return NULL;
}

static bool
find_halves(const struct elf_bytes *b, const struct elf_range *range, uint64_t *offset)
{
	for (uint64_t at = range->start; bytes_have(b, at, WORD_SIZE); at += WORD_SIZE) {
		uint32_t low = bytes_u32(b, at);

		if (at >= range->end)
			return false;
		if ((low & HALF_MASK) != MOVW)
			continue;
		for (unsigned i = 1; i <= HALVES_APART; i++) {
			uint64_t next = at + (uint64_t)i * WORD_SIZE;
			uint32_t high = next + WORD_SIZE <= range->end ? bytes_u32(b, next) : 0;

			if ((high & HALF_MASK) == MOVT && ((low ^ high) & REGISTER) == 0) {
				*offset = at;
				return true;
			}
		}
	}
	return false;
}

bool
arm_loads_halves(const struct elf *elf, const void *data, size_t len, uint64_t *offset)
{
	struct elf_bytes b = {.data = data, .len = len, .big = elf->data == ELFDATA2MSB};
	struct elf_ranges ranges = {0};
	bool found = false;

	elf_ranges_add_code(&ranges, elf, len);
	elf_ranges_merge(&ranges);
	for (size_t i = 0; i < ranges.count && !found; i++)
		found = find_halves(&b, &ranges.at[i], offset);
	elf_ranges_fini(&ranges);
	return found;
}
