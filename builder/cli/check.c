/*
 * check.c - prebuildctl check: audits .node files, tarballs and folders. Needs no server.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/check/check.h"
#include "builder/cli/ctl.h"
#include "builder/cli/printable.h"

#define DEPTH_MAX 64

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "target",
	 .arg = "T",
	 .value = "host",
	 .text = "judge against this target; host: this machine; own: what each file is for"},
	{.name = "load", .text = "load it too, in the sandbox with its target's toolchain"},
	{.name = "toolchains",
	 .arg = "DIR",
	 .text = "where these are (default ~/.cache/prebuildd/toolchains)"},
};

struct checking {
	struct audit_request request;
	char *load_with; /* folder of toolchains; NULL: nothing is loaded */
	struct json *results;
	bool json;
	size_t files, failed;
	struct err *e;
};

/* Names of files and what an addon says when it is loaded can be meant for the terminal. */
static void
add(struct buf *out, const char *text)
{
	printable_add(out, text, 0);
}

/* "  runs on Debian 12, Ubuntu 22.04, … or later; Node 12.17, 14 and later" */
static void
add_where(struct buf *out, const struct json *where)
{
	const char *node = json_str(where, "node", NULL), *between = "  runs on ";

	json_foreach (system, json_get(where, "systems")) {
		buf_addf(out, "%s%s", between, json_string(system, ""));
		between = ", ";
	}
	if (json_count(json_get(where, "systems")) > 0)
		buf_addf(out, " or later%s%s\n", node != NULL ? "; Node " : "",
			 node != NULL ? node : "");
	else if (node != NULL)
		buf_addf(out, "  Node %s\n", node);
}

static void
add_load(struct buf *out, const struct json *load)
{
	if (json_bool(load, "ran", false)) {
		buf_addf(out, "  %s in ", json_bool(load, "ok", false) ? "loaded" : "not loaded");
		add(out, json_str(load, "runtime", ""));
		if (json_str(load, "error", NULL) != NULL) {
			buf_adds(out, ": ");
			add(out, json_str(load, "error", ""));
		}
		buf_adds(out, "\n");
	} else if (json_str(load, "reason", NULL) != NULL) {
		buf_adds(out, "  not loaded: ");
		add(out, json_str(load, "reason", ""));
		buf_adds(out, "\n");
	}
}

static void
add_finding(struct buf *out, const struct json *f)
{
	buf_addf(out, "  %s %s: found ", json_str(f, "severity", ""), json_str(f, "rule", ""));
	add(out, json_str(f, "found", ""));
	if (json_str(f, "expected", "")[0] != '\0') {
		buf_adds(out, ", expected ");
		add(out, json_str(f, "expected", ""));
	}
	if (json_str(f, "evidence", "")[0] != '\0') {
		buf_adds(out, " (");
		add(out, json_str(f, "evidence", ""));
		buf_adds(out, ")");
	}
	buf_adds(out, "\n");
}

static void
print_row(const struct json *r)
{
	const char *glibc = json_str(json_get(r, "needs"), "glibc", NULL);
	struct buf out = {0};

	add(&out, json_str(r, "file", ""));
	buf_addf(&out, "\n  %-4s  %s %s%s%s\n", json_str(r, "verdict", ""),
		 json_str(r, "format", ""), json_str(r, "target", "for no target known here"),
		 glibc != NULL ? ", needs glibc " : "", glibc != NULL ? glibc : "");
	add_where(&out, json_get(r, "runs_on"));
	add_load(&out, json_get(r, "load"));
	json_foreach (f, json_get(r, "findings"))
		add_finding(&out, f);
	fputs(out.data, stdout);
	buf_fini(&out);
}

/* Many archives in a folder have no addon, which is no fault; but what is called as a client's tarball is
 * one: "…-napi-v6-linux-x64.tar.gz". */
static bool
is_prebuilds_name(const char *name)
{
	static const struct {
		const char *word, *digits;
	} abis[] = {
		{"napi-v", "0123456789"},
		{"node-v", "0123456789"},
		{"electron-v", ".0123456789"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		const char *at = strstr(name, abis[i].word);
		size_t n;

		if (at == NULL)
			continue;
		at += strlen(abis[i].word);
		n = strspn(at, abis[i].digits);
		if (n > 0 && at[n] == '-')
			return true;
	}
	return false;
}

/* must: it is an error if it is no addon and has none in it. */
static void
check_bytes(struct checking *c, const char *path, bool must, const void *data, size_t len)
{
	struct err e = {0};
	struct json *result;
	bool passed;

	if (!must && (len < 2 || memcmp(data, "\x1f\x8b", 2) != 0))
		return;
	c->request.file = path;
	result = check_content(data, len, &c->request, c->load_with, &passed, &e);
	if (result == NULL) {
		if (must)
			err_set(c->e, e.code, "%s: %s", path, e.msg);
		return;
	}
	c->files++;
	if (!passed)
		c->failed++;
	if (!c->json)
		print_row(result);
	json_add(c->results, result);
}

static void
check_file(struct checking *c, const char *path, bool must, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = MAP_FAILED;

	if (fd >= 0 && len > 0)
		data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd < 0 || (len > 0 && data == MAP_FAILED))
		err_sys(c->e, -errno, "read %s", path);
	else
		check_bytes(c, path, must, len > 0 ? data : "", len);
	if (data != MAP_FAILED)
		munmap(data, len);
	if (fd >= 0)
		close(fd);
}

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static void
check_folder(struct checking *c, const char *path, int depth)
{
	struct dirent **entries = NULL;
	int n = depth < DEPTH_MAX ? scandir(path, &entries, NULL, alphasort) : 0;

	if (n < 0)
		err_sys(c->e, -errno, "read %s", path);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *below = xasprintf("%s/%s", path, name);
		struct stat st;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && lstat(below, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				check_folder(c, below, depth + 1);
			else if (S_ISREG(st.st_mode) && ends_with(name, ".node"))
				check_file(c, below, true, (size_t)st.st_size);
			else if (S_ISREG(st.st_mode) &&
				 (ends_with(name, ".tar.gz") || ends_with(name, ".tgz")))
				check_file(c, below, is_prebuilds_name(name), (size_t)st.st_size);
		}
		free(below);
		free(entries[i]);
	}
	free(entries);
}

static void
check_path(struct checking *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		err_set(c->e, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		check_folder(c, path, 0);
	else if (S_ISREG(st.st_mode))
		check_file(c, path, true, (size_t)st.st_size);
	else
		err_set(c->e, ERR_INVALID, "%s is neither a file nor a folder", path);
}

static int
set_target(struct checking *c, const char *name, struct err *e)
{
	if (strcmp(name, "own") == 0)
		return 0;
	if (strcmp(name, "host") != 0) {
		c->request.target = target_find(name);
		if (c->request.target == NULL)
			return err_set(e, ERR_USAGE,
				       "--target \"%s\" is not known; see: prebuildctl targets",
				       name);
		return 0;
	}
	c->request.target = target_host();
	if (c->request.target == NULL)
		return err_set(e, ERR_UNSUPPORTED, "this machine is none of the targets");
	sscanf(gnu_get_libc_version(), "%u.%u", &c->request.floor_major, &c->request.floor_minor);
	return 0;
}

int
ctl_check(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl check FILE|DIR… [--target T|host|own] [--load] [--json]",
		.about =
			"Says what .node files are, what they need, and what is wrong with them. "
			"Folders are\nsearched for .node files and for tarballs, which are looked into.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct err e = {0};
	struct checking c = {.e = &e};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	c.results = json_array();
	c.json = opts_get(&o, "json")->given;
	if (opts_get(&o, "load")->given)
		c.load_with = ctl_toolchains_dir(&o);
	if (o.arg_count == 0)
		err_set(&e, ERR_USAGE, "give files or folders");
	else if (set_target(&c, opts_get(&o, "target")->value, &e) == 0)
		for (size_t i = 0; i < o.arg_count; i++)
			check_path(&c, o.args[i]);
	if (c.json && err_exit(e.code) != 2)
		ctl_print(c.results);
	else
		json_free(c.results);
	if (!c.json && c.files > 1)
		printf("%zu files, %zu passed, %zu failed\n", c.files, c.files - c.failed,
		       c.failed);
	if (e.code == 0 && c.failed > 0)
		err_set(&e, ERR_AUDIT, "%s", "");
	else if (e.code == 0 && c.files == 0)
		err_set(&e, ERR_NOT_FOUND, "no .node file there, nor a tarball with one");
	free(c.load_with);
	return ctl_end(&o, NULL, &e);
}
