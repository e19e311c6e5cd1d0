#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/lock.h"
#include "builder/cli/progress.h"
#include "builder/model/package.h"
#include "builder/model/target.h"

#define ANSWER_SECONDS 30

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "target",
	 .arg = "T",
	 .many = true,
	 .text = "a target, such as aarch64-linux-gnu or linux-arm64 (default: this machine's)"},
	{.name = "all-targets", .text = "every target for which a worker has a toolchain"},
	{.name = "abi",
	 .arg = "A",
	 .many = true,
	 .text = "such as napi-v6 (default: what the package asks for)"},
	{.name = "no-wait", .text = "only request it"},
	{.name = "lock",
	 .arg = "FILE",
	 .text = "instead of PKG@VER all that this lock file pins and that has native code"},
	{.name = "plan", .text = "with --lock: only say what is there and what is missing"},
	{.name = "skip",
	 .arg = "PKG",
	 .many = true,
	 .text = "with --lock: leave this package out, such as an optional one"},
	{.name = "registry",
	 .arg = "URL",
	 .text = "with --lock: the registry that is asked (default: npm's configured one)"},
};

static struct json *
request_body(struct opts *o, const char *package, const char *version, struct err *e)
{
	const struct opt *targets = opts_get(o, "target"), *abis = opts_get(o, "abi");
	struct json *body = json_object(), *list;

	json_set_str(body, "package", package);
	json_set_str(body, "version", version);
	if (opts_get(o, "all-targets")->given) {
		json_set_str(body, "targets", "all");
	} else {
		list = json_array();
		for (size_t i = 0; i < targets->count; i++)
			json_add_str(list, targets->values[i]);
		if (targets->count == 0 && target_host() != NULL)
			json_add_str(list, target_host()->triple);
		if (json_count(list) == 0)
			err_set(e, ERR_USAGE, "give --target T or --all-targets");
		json_set(body, "targets", list);
	}
	if (abis->count > 0) {
		list = json_array();
		for (size_t i = 0; i < abis->count; i++)
			json_add_str(list, abis->values[i]);
		json_set(body, "abis", list);
	}
	return body;
}

/* The targets that "all" did not include. */
static void
tell_left_out(const struct json *list)
{
	if (json_count(list) == 0)
		return;
	fprintf(stderr, "prebuildctl: left out, because no worker has a toolchain:");
	json_foreach (target, list)
		fprintf(stderr, " %s", json_string(target, ""));
	fprintf(stderr, "\n");
}

int
ctl_build(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl build PKG@VER|--lock FILE [--target T]… [FLAG…]",
		.about =
			"Requests a build and follows it to the end; with --lock those of every package in\n"
			"a lock file of npm, pnpm or yarn that compiles an addon and is covered by nobody.\n"
			"--abi is then for the packages of its kind: napi-v9 for those that use Node-API,\n"
			"node-v137 for those that use V8. Exit status 1: one failed, or one is missing.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	struct json *body = NULL, *build = NULL, *left_out = NULL;
	struct progress p = {0};
	struct remote r = {0};
	struct err e = {0};
	bool json;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	if (opts_get(&o, "lock")->given)
		return lock_run(&o);
	json = opts_get(&o, "json")->given;
	if (opts_get(&o, "plan")->given || opts_get(&o, "skip")->given ||
	    opts_get(&o, "registry")->given) {
		err_set(&e, ERR_USAGE, "--plan, --skip and --registry go with --lock FILE");
		return ctl_end(&o, NULL, &e);
	}
	if (o.arg_count != 1 || package_parse_spec(o.args[0], package, version) != 0) {
		err_set(&e, ERR_USAGE, "give one PACKAGE@VERSION, such as sqlite3@6.0.1");
		return ctl_end(&o, NULL, &e);
	}
	follow_until_interrupted();
	body = request_body(&o, package, version, &e);
	if (e.code == 0 && ctl_remote(&o, &r, &e) == 0)
		remote_json(&r, "POST", "/v1/builds", body, ANSWER_SECONDS, &build, &e);
	if (json_get(build, "left_out") != NULL)
		left_out = json_copy(json_get(build, "left_out"));
	progress_init(&p);
	if (e.code == 0 && !opts_get(&o, "no-wait")->given &&
	    follow_builds(&r, &build, 1, &p, json, &e) == 0)
		follow_judge(build, &e);
	if (build != NULL && json) {
		ctl_print(json_copy(build));
	} else if (build != NULL && opts_get(&o, "no-wait")->given) {
		printf("%s\n", json_str(build, "id", ""));
	} else if (build != NULL && !follow_is_open(build)) {
		progress_clear(&p);
		progress_table(&p, build);
	}
	fflush(stdout);
	tell_left_out(left_out);
	progress_fini(&p);
	json_free(left_out);
	json_free(body);
	json_free(build);
	return ctl_end(&o, &r, &e);
}
