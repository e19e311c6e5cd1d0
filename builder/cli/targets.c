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
		const struct target *t = target_at(i);
		const char *libc = target_libc_text(t);
		char *node = xasprintf("%s-%s", t->node_platform, t->node_arch);
		char *floor = xasprintf("%u.%u", t->floor_major, t->floor_minor);
		struct json *one = json_object();

		json_set_str(one, "target", t->triple);
		json_set_str(one, "node", node);
		json_set_str(one, "libc", libc);
		json_set_str(one, "floor", floor);
		json_add(list, one);
		if (!json)
			printf("%-26s %-18s %s %s\n", t->triple, node, libc, floor);
		free(node);
		free(floor);
	}
	if (json)
		ctl_print(list);
	else
		json_free(list);
	return ctl_end(&o, NULL, &e);
}
