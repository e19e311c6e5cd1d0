/*
 * matrix.c - what there is of a package: versions, ABIs, targets, and what has loaded each before it
 * was published. Nothing is claimed that did not run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/printable.h"
#include "builder/model/package.h"

#define ANSWER_SECONDS 30
#define REASON_COLUMNS 100

/* "node 20.20.2", "node 20.20.2 (qemu-aarch64)", "not load-tested"; nothing for what is not published. */
static void
add_load(struct buf *line, const struct json *cell)
{
	const struct json *load = json_get(cell, "load");
	const char *emulator = json_str(load, "emulator", NULL);

	if (!json_is_object(load))
		return;
	if (!json_bool(load, "ran", false)) {
		buf_adds(line, "not load-tested");
		return;
	}
	printable_add(line, json_str(load, "runtime", "an unnamed runtime"), 0);
	if (emulator != NULL && emulator[0] != '\0') {
		buf_adds(line, " (");
		printable_add(line, emulator, 0);
		buf_adds(line, ")");
	}
	if (!json_bool(load, "ok", false))
		buf_adds(line, ": failed");
}

static void
print_cell(const char *version, const struct json *cell)
{
	const struct json *reason = json_get(cell, "reason");
	struct buf line = {0};

	buf_adds(&line, "");
	add_load(&line, cell);
	printable_add(&line, json_str(reason, "message", ""), REASON_COLUMNS);
	printf("%-14s %-10s %-26s %-10s %s\n", version, json_str(cell, "abi", "?"),
	       json_str(cell, "target", ""), json_str(cell, "state", ""), line.data);
	buf_fini(&line);
}

static void
print_matrix(const struct json *versions)
{
	printf("%-14s %-10s %-26s %-10s %s\n", "VERSION", "ABI", "TARGET", "STATE",
	       "LOADED IN, OR WHY NOT");
	json_foreach (v, versions)
		json_foreach (cell, json_get(v, "cells"))
			print_cell(json_str(v, "version", ""), cell);
}

static int
fetch(const struct remote *r, const char *package, const char *version, struct json **list,
      struct err *e)
{
	struct buf path = {0};

	buf_adds(&path, "/v1/matrix");
	remote_add_query(&path, "package", package);
	if (version[0] != '\0')
		remote_add_query(&path, "version", version);
	remote_list(r, path.data, "versions", ANSWER_SECONDS, list, e);
	buf_fini(&path);
	return e->code;
}

int
ctl_matrix(int argc, char **argv)
{
	static struct opt table[] = {CTL_FLAGS};
	struct opts o = {
		.usage = "prebuildctl matrix PKG[@VER] [FLAG…]",
		.about = "Shows what there is of a package, and what has loaded it.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	char package[PACKAGE_NAME_MAX + 1] = "", version[PACKAGE_VERSION_MAX + 1] = "";
	struct json *versions = NULL, *answer;
	struct remote r = {0};
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	if (o.arg_count == 1 && package_name_valid(o.args[0]))
		snprintf(package, sizeof package, "%s", o.args[0]);
	else if (o.arg_count != 1 || package_parse_spec(o.args[0], package, version) != 0)
		err_set(&e, ERR_USAGE, "give one package, such as sqlite3 or sqlite3@6.0.1");
	if (e.code == 0 && ctl_remote(&o, &r, &e) == 0 &&
	    fetch(&r, package, version, &versions, &e) == 0) {
		if (opts_get(&o, "json")->given) {
			answer = json_object();
			json_set_str(answer, "package", package);
			json_set(answer, "versions", json_copy(versions));
			ctl_print(answer);
		} else {
			print_matrix(versions);
		}
	}
	json_free(versions);
	return ctl_end(&o, &r, &e);
}
