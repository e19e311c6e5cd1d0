#include "builder/base/json.h"
#include "builder/plan/plan.h"

static struct json *
argv_json(const struct strv *argv)
{
	struct json *list = json_array();

	for (size_t i = 0; i < argv->n; i++)
		json_add_str(list, argv->at[i]);
	return list;
}

struct json *
plan_commands(const struct plan *plan)
{
	struct json *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		struct json *o = json_object();

		json_set_str(o, "step", plan->steps[i].label);
		json_set_str(o, "cwd", plan->steps[i].cwd);
		json_set(o, "argv", argv_json(&plan->steps[i].argv));
		json_add(list, o);
	}
	return list;
}
