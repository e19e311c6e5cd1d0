#include "api/catalog/field.h"

#include <stdio.h>

#include "builder/base/clock.h"
#include "builder/base/json.h"

void
field_id(struct json *o, const char *name, char prefix, int64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%c%lld", prefix, (long long)id);
	json_set_str(o, name, text);
}

void
field_time(struct json *o, const char *name, int64_t ms)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(ms, text);
	json_set_str(o, name, ms != 0 ? text : NULL);
}
