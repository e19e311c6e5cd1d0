/*
 * assemble.c - prebuildctl toolchain assemble|list|verify: the scripts in toolchains/, and a look
 * at what they made.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/cli/ctl.h"
#include "builder/toolchain/toolchain.h"

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "toolchains",
	 .arg = "DIR",
	 .text = "where they are (default ~/.cache/prebuildd/toolchains)"},
	{.name = "downloads", .arg = "DIR", .text = "where packages are kept"},
	{.name = "macos-sdk",
	 .arg = "FOLDER",
	 .text = "a MacOSX*.sdk folder, for the targets of macOS (docs/darwin.md)"},
	{.name = "jobs", .arg = "N", .text = "processes at the same time"},
	{.name = "locked", .text = "fail when a locked package version is no longer offered"},
};

/* The scripts: in the source tree beside build/, or where `make install` puts them. */
static char *
find_script(const char *name, struct err *e)
{
	static const char *const places[] = {"../toolchains", "../../toolchains",
					     "../share/prebuildd/toolchains"};
	char self[PATH_MAX], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		path = xasprintf("%s/%s/%s", self, places[i], name);
		if (file_exists(path))
			return path;
		free(path);
	}
	err_set(e, ERR_NOT_FOUND, "%s is neither beside %s nor in its share/prebuildd", name, self);
	return NULL;
}

static void
run_script(const struct strv *argv, struct err *e)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		/* Whoever ends this program alone, such as timeout(1), means the script, too. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execv(argv->at[0], argv->at);
		fprintf(stderr, "prebuildctl: %s: %s\n", argv->at[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0) {
		err_sys(e, -errno, "start %s", argv->at[0]);
		return;
	}
	/* A Ctrl-C reaches the script, too; it cleans up and ends, and we with it. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		err_set(e, ERR_INTERRUPTED, "interrupted");
	else if (WEXITSTATUS(status) == 2)
		err_set(e, ERR_USAGE, "%s", "");
	else if (WEXITSTATUS(status) != 0)
		err_set(e, ERR_BUILD, "%s", "");
}

static void
assemble(struct opts *o, struct err *e)
{
	static const char *const passed[] = {"downloads", "jobs", "macos-sdk"};
	char *script = find_script("assemble.sh", e), *dir = ctl_toolchains_dir(o);
	struct strv argv = {0};

	if (script != NULL && o->arg_count < 2)
		err_set(e, ERR_USAGE, "give targets, or all");
	if (e->code == 0) {
		strv_add(&argv, script);
		strv_add(&argv, "--dir");
		strv_add(&argv, dir);
		for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
			if (!opts_get(o, passed[i])->given)
				continue;
			strv_addf(&argv, "--%s", passed[i]);
			strv_add(&argv, opts_get(o, passed[i])->value);
		}
		if (opts_get(o, "locked")->given)
			strv_add(&argv, "--locked");
		if (opts_get(o, "json")->given)
			strv_add(&argv, "--json");
		for (size_t i = 1; i < o->arg_count; i++) {
			const struct target *t = target_find(o->args[i]);

			strv_add(&argv, t != NULL ? t->triple : o->args[i]);
		}
		run_script(&argv, e);
	}
	strv_fini(&argv);
	free(script);
	free(dir);
}

static void
verify(struct opts *o, struct err *e)
{
	char *script = find_script("verify.sh", e), *dir = ctl_toolchains_dir(o);
	struct strv argv = {0};

	if (script != NULL) {
		strv_add(&argv, script);
		strv_add(&argv, dir);
		for (size_t i = 1; i < o->arg_count; i++)
			strv_add(&argv, o->args[i]);
		run_script(&argv, e);
	}
	strv_fini(&argv);
	free(script);
	free(dir);
}

static void
list(struct opts *o)
{
	char *dir = ctl_toolchains_dir(o);
	struct json *all = json_array();
	bool json = opts_get(o, "json")->given;

	if (!json)
		printf("%-26s %-14s %-16s %s\n", "TARGET", "COMPILER", "LOAD TEST", "DIGEST");
	for (size_t i = 0; i < target_count(); i++) {
		struct toolchain t;
		struct err e = {0};
		struct json *one;
		const struct json *compiler;

		if (toolchain_open(dir, target_at(i), &t, &e) != 0)
			continue;
		compiler = json_get(t.description, "compiler");
		one = json_object();
		json_set_str(one, "target", t.target->triple);
		json_set_str(one, "digest", t.digest);
		json_set_str(one, "path", t.dir);
		json_set(one, "compiler", json_copy(compiler));
		json_set_str(one, "loadtest", t.load_runtime);
		json_add(all, one);
		if (!json)
			printf("%-26s %-5s %-8s %-16s %s\n", t.target->triple,
			       json_str(compiler, "name", "?"), json_str(compiler, "version", "?"),
			       t.load_runtime != NULL ? t.load_runtime : "none", t.digest);
		toolchain_fini(&t);
	}
	if (json)
		ctl_print(all);
	else
		json_free(all);
	free(dir);
}

int
ctl_toolchain(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl toolchain assemble TARGET…|all  |  list  |  verify [TARGET…]",
		.about = "Makes, shows and checks the toolchains that builds run in.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct err e = {0};
	const char *what;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	what = o.arg_count > 0 ? o.args[0] : "";
	if (strcmp(what, "assemble") == 0)
		assemble(&o, &e);
	else if (strcmp(what, "list") == 0)
		list(&o);
	else if (strcmp(what, "verify") == 0)
		verify(&o, &e);
	else
		err_set(&e, ERR_USAGE, "toolchain assemble, list or verify");
	return ctl_end(&o, NULL, &e);
}
