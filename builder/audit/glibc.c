#include "builder/audit/glibc.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct glibc_name *)entry)->name);
}

unsigned
glibc_since(const char *symbol)
{
	const struct glibc_name *found =
		bsearch(symbol, glibc_table, glibc_table_count, sizeof glibc_table[0], compare);

	return found != NULL ? found->since : 0;
}
