#include <stdio.h>
#include <stdlib.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/model/target.h"

/* The targets that this program knows; needs no server. */
int
ctl_targets(int argc, char **argv)
{
	static struct opt table[] = {CTL_FLAGS};
	struct opts o = {
		.usage = "prebuildctl targets [--json]",
		.about = "Lists the targets, with the names that Node uses for them.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct json *list = json_array();
	struct err e = {0};
	bool json;
	int code;

	if (!ctl_parse(&o, argc, argv, &code)) {
		json_free(list);
		return code;
	}
	json = opts_get(&o, "json")->given;
	if (!json)
		printf("%-26s %-18s %s\n", "TARGET", "NODE", "NEEDS AT MOST");
	for (size_t i = 0; i < target_count(); i++) {
		struct json *one = target_json(target_at(i));
		char *needs =
			xasprintf("%s %s", json_str(one, "libc", ""), json_str(one, "floor", ""));
		const char *note = json_str(one, "note", NULL);

		if (!json && note != NULL)
			printf("%-26s %-18s %-14s %s\n", json_str(one, "target", ""),
			       json_str(one, "node", ""), needs, note);
		else if (!json)
			printf("%-26s %-18s %s\n", json_str(one, "target", ""),
			       json_str(one, "node", ""), needs);
		json_add(list, one);
		free(needs);
	}
	if (json)
		ctl_print(list);
	else
		json_free(list);
	return ctl_end(&o, NULL, &e);
}
