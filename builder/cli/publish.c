/*
 * publish.c - prebuildctl publish: hands in what a CI job built. The file's own audit says what it
 * is for, unless its name or the flags do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/check/check.h"
#include "builder/cli/ctl.h"
#include "builder/cli/hand_in.h"
#include "builder/model/name.h"

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "package", .arg = "PKG@VER", .text = "what it is, such as sqlite3@6.0.1"},
	{.name = "target", .arg = "T", .text = "the target (default: what the file is for)"},
	{.name = "abi", .arg = "A", .text = "such as napi-v6 (default: what the addon declares)"},
};

/* The file in the words of the audit. */
static struct json *
look(const char *file, struct err *e)
{
	struct audit_request req = {.file = file};
	struct json *report = NULL;
	struct buf bytes = {0};
	bool passed;

	if (file_read(file, CHECK_ADDON_MAX, &bytes, e) == 0)
		report = check_content(bytes.data != NULL ? bytes.data : "", bytes.len, &req, NULL,
				       &passed, e);
	buf_fini(&bytes);
	return report;
}

static int
set_target(const struct json *report, const char *flag, struct name *n, struct err *e)
{
	const char *triple = flag != NULL ? flag : json_str(report, "target", NULL);

	if (n->target == NULL)
		n->target = triple != NULL ? target_find(triple) : NULL;
	if (n->target == NULL)
		return err_set(e, flag != NULL ? ERR_USAGE : ERR_AUDIT,
			       flag != NULL
				       ? "--target \"%s\" is not known; see: prebuildctl targets"
				       : "%s is for no target known here",
			       flag != NULL ? flag : json_str(report, "file", ""));
	return 0;
}

static int
set_abi(const struct json *report, const char *flag, struct name *n, struct err *e)
{
	const struct json *abi = json_get(report, "abi");
	const char *kind = json_str(abi, "kind", "");
	int64_t version = json_int(abi, "version", 0);
	char text[ABI_TEXT_SIZE];

	snprintf(text, sizeof text, "%s-v%lld", kind, (long long)version);
	if (abi_parse(flag != NULL ? flag : text, &n->abi) != 0)
		return err_set(e, ERR_USAGE,
			       flag != NULL
				       ? "--abi \"%s\" is not like napi-v6"
				       : "%s does not say its ABI; give --abi, such as napi-v6",
			       flag != NULL ? flag : json_str(report, "file", ""));
	return 0;
}

static bool
is_addon(const char *file)
{
	size_t len = strlen(file);

	return len > 5 && strcmp(file + len - 5, ".node") == 0;
}

int
ctl_publish(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl publish FILE --package PKG@VER [FLAG…]",
		.about =
			"Publishes an addon (.node) or a tarball with one that was built elsewhere.\n"
			"The service audits it; a name that has other bytes is never changed.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	const char *package, *base;
	struct json *report = NULL, *artifact = NULL;
	struct name n = {0};
	struct remote r = {0};
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	package = opts_get(&o, "package")->value;
	if (o.arg_count != 1)
		err_set(&e, ERR_USAGE, "give one FILE");
	else if (package == NULL || package_parse_spec(package, n.package, n.version) != 0)
		err_set(&e, ERR_USAGE, "give --package PACKAGE@VERSION, such as sqlite3@6.0.1");
	else
		report = look(o.args[0], &e);
	if (e.code == 0 && set_target(report, opts_get(&o, "target")->value, &n, &e) == 0 &&
	    set_abi(report, opts_get(&o, "abi")->value, &n, &e) == 0 &&
	    ctl_remote(&o, &r, &e) == 0) {
		base = strrchr(o.args[0], '/') != NULL ? strrchr(o.args[0], '/') + 1 : o.args[0];
		hand_in(&r, &n, o.args[0], is_addon(base) ? base : NULL, &artifact, &e);
	}
	if (artifact != NULL && opts_get(&o, "json")->given)
		ctl_print(json_copy(artifact));
	else if (artifact != NULL)
		printf("%s\nsha256:%s\n%s", json_str(artifact, "prebuild", ""),
		       json_str(artifact, "sha256", ""),
		       json_bool(artifact, "load_tested", true) ? ""
								: "audited, not load-tested\n");
	json_free(artifact);
	json_free(report);
	return ctl_end(&o, &r, &e);
}
