#include "builder/plan/weight.h"

#include <stdint.h>
#include <string.h>

#include "builder/base/json.h"

/* What keeping a word takes beside its bytes. */
#define WORD_SIZE 32

struct weight {
	uint64_t values, bytes;
};

static void
add(struct weight *w, const struct json *v)
{
	w->values++;
	w->bytes += WORD_SIZE + strlen(json_string(v, ""));
	json_foreach (child, v)
		add(w, child);
}

static uint64_t
bytes_of(const struct json *v)
{
	struct weight w = {0};

	if (v != NULL)
		add(&w, v);
	return w.bytes;
}

/* Folders of headers are named from the target's own. */
static uint64_t
flags_of(const struct json *target)
{
	const struct json *release = json_get(target, "release");
	uint64_t dir = strlen(json_str(target, "dir", ""));

	return bytes_of(release) + json_count(json_get(release, "include_dirs")) * dir;
}

int
plan_weigh(const struct json *gyp, struct err *e)
{
	struct weight all = {0};

	add(&all, gyp);
	if (all.values > PLAN_VALUES_MAX)
		return err_set(e, ERR_LIMIT, "binding.gyp: more than %d values", PLAN_VALUES_MAX);
	json_foreach (target, json_get(gyp, "targets"))
		all.bytes += json_count(json_get(target, "sources")) * flags_of(target);
	if (all.bytes > PLAN_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "binding.gyp: its commands are larger than %u MB",
			       PLAN_BYTES_MAX >> 20);
	return 0;
}
