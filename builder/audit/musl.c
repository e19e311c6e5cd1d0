#include "builder/audit/musl.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

#define ROW(bit_, machine_, name_) {.bit = (bit_), .machine = (machine_), .name = (name_)},
static const struct {
	unsigned char bit;
	uint16_t machine;
	const char *name;
} architectures[] = {MUSL_ARCHITECTURES(ROW)};
#undef ROW

static int
compare_entry(const void *key, const void *entry)
{
	return strcmp(key, ((const struct musl_name *)entry)->name);
}

static int
compare_name(const void *key, const void *name)
{
	return strcmp(key, *(const char *const *)name);
}

static unsigned
bits_of(const char *symbol)
{
	const struct musl_name *entry =
		bsearch(symbol, musl_table, musl_table_count, sizeof musl_table[0], compare_entry);

	return entry != NULL ? entry->bits : 0;
}

unsigned
musl_since(const char *symbol, uint16_t machine)
{
	unsigned bits = bits_of(symbol);

	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (architectures[i].machine == machine && (bits & architectures[i].bit) != 0)
			return (bits & MUSL_NEW) != 0 ? 2 : 1;
	return 0;
}

void
musl_elsewhere(const char *symbol, char out[MUSL_ELSEWHERE_SIZE])
{
	unsigned bits = bits_of(symbol);
	const char *before = "in musl on";
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(architectures) && used < MUSL_ELSEWHERE_SIZE; i++) {
		if ((bits & architectures[i].bit) == 0)
			continue;
		used += (size_t)snprintf(out + used, MUSL_ELSEWHERE_SIZE - used, "%s %s", before,
					 architectures[i].name);
		before = ",";
	}
	if (bits == 0 && bsearch(symbol, musl_missing, musl_missing_count, sizeof musl_missing[0],
				 compare_name) != NULL)
		snprintf(out, MUSL_ELSEWHERE_SIZE, "in glibc");
}
