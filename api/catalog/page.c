#include "api/catalog/page.h"

#include <stdio.h>

#include "builder/base/json.h"

void
page_end(struct json *page, int count, int limit, int64_t last)
{
	char cursor[24];

	snprintf(cursor, sizeof cursor, "%lld", (long long)last);
	json_set_str(page, "cursor", count == limit ? cursor : NULL);
}
