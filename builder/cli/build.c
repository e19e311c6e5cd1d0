#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/follow.h"
#include "builder/cli/lock.h"
#include "builder/cli/progress.h"
#include "builder/cli/source.h"
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
	{.name = "git",
	 .arg = "URL#REF",
	 .text = "build a branch, a tag or a commit of a git repository instead of what is published"},
	{.name = "source",
	 .arg = "DIR|TGZ",
	 .text = "the same of a folder or a tarball, which is "
		 "uploaded"},
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

/* URL#REF; without a ref the repository's default branch. */
static struct json *
git_of(const char *text)
{
	struct json *git = json_object();
	size_t len = strcspn(text, "#");
	char *url = xstrndup(text, len);

	json_set_str(git, "url", url);
	if (text[len] == '#')
		json_set_str(git, "ref", text + len + 1);
	free(url);
	return git;
}

static struct json *
request_body(struct opts *o, const char *package, const char *version, struct err *e)
{
	const struct opt *targets = opts_get(o, "target"), *abis = opts_get(o, "abi");
	struct json *body = json_object(), *list;

	if (package[0] != '\0') {
		json_set_str(body, "package", package);
		json_set_str(body, "version", version);
	}
	if (opts_get(o, "git")->given)
		json_set(body, "git", git_of(opts_get(o, "git")->value));
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

/* What is to be built. A source that is not the registry's may say itself what it is. */
static int
read_arguments(struct opts *o, char package[PACKAGE_NAME_MAX + 1],
	       char version[PACKAGE_VERSION_MAX + 1], struct err *e)
{
	bool git = opts_get(o, "git")->given, source = opts_get(o, "source")->given;

	package[0] = version[0] = '\0';
	if (git && source)
		return err_set(e, ERR_USAGE, "give --git or --source, not both");
	if (o->arg_count == 0 && (git || source))
		return 0;
	if (o->arg_count != 1 || package_parse_spec(o->args[0], package, version) != 0)
		return err_set(e, ERR_USAGE, "give one PACKAGE@VERSION, such as sqlite3@6.0.1");
	return 0;
}

/* The version that was made for the source, which nobody can guess. */
static void
tell_version(const struct json *build)
{
	if (json_get(build, "origin") == NULL || json_is_null(json_get(build, "origin")) ||
	    json_is_null(json_get(build, "source")))
		return;
	fprintf(stderr, "prebuildctl: this is %s@%s, of %s\n", json_str(build, "package", "?"),
		json_str(build, "version", "?"),
		json_str(json_get(build, "source"), "origin", "?"));
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
			"node-v137 for those that use V8. Exit status 1: one failed, or one is missing.\n"
			"With --git or --source, PKG@VER may be left out: the source's package.json says it.\n"
			"The version gets the commit or the digest, as in 6.0.1+git.0123456789ab.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1], *source = NULL;
	struct json *body = NULL, *build = NULL, *left_out = NULL;
	struct progress p = {0};
	struct remote r = {0};
	struct err e = {0};
	bool json;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	if (opts_get(&o, "lock")->given &&
	    (opts_get(&o, "git")->given || opts_get(&o, "source")->given)) {
		err_set(&e, ERR_USAGE, "--git and --source do not go with --lock");
		return ctl_end(&o, NULL, &e);
	}
	if (opts_get(&o, "lock")->given)
		return lock_run(&o);
	json = opts_get(&o, "json")->given;
	if (opts_get(&o, "plan")->given || opts_get(&o, "skip")->given ||
	    opts_get(&o, "registry")->given) {
		err_set(&e, ERR_USAGE, "--plan, --skip and --registry go with --lock FILE");
		return ctl_end(&o, NULL, &e);
	}
	if (read_arguments(&o, package, version, &e) != 0)
		return ctl_end(&o, NULL, &e);
	follow_until_interrupted();
	body = request_body(&o, package, version, &e);
	if (e.code == 0 && ctl_remote(&o, &r, &e) == 0 && opts_get(&o, "source")->given &&
	    source_upload(&r, opts_get(&o, "source")->value, &source, &e) == 0)
		json_set_str(body, "source", source);
	if (e.code == 0)
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
	tell_version(build);
	progress_fini(&p);
	free(source);
	json_free(left_out);
	json_free(body);
	json_free(build);
	return ctl_end(&o, &r, &e);
}
