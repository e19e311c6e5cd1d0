#include "builder/audit/musl.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

/* New in 1.2.0 to 1.2.3, by musl's release notes; the 64-bit time functions of 32-bit machines,
 * also new in 1.2.0, are told by their names. */
static const char *const new_in_1_2[] = {
	"_Fork",        "gettid",       "pthread_getname_np", "qsort_r",
	"reallocarray", "tcgetwinsize", "tcsetwinsize",
};

static int
compare(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

unsigned
musl_since(const char *symbol)
{
	if (bsearch(symbol, musl_table, musl_table_count, sizeof musl_table[0], compare) == NULL)
		return 0;
	if (strncmp(symbol, "__", 2) == 0 && strstr(symbol, "time64") != NULL)
		return 2;
	for (size_t i = 0; i < ARRAY_SIZE(new_in_1_2); i++)
		if (strcmp(symbol, new_in_1_2[i]) == 0)
			return 2;
	return 1;
}
