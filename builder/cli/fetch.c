#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/model/abi.h"
#include "builder/model/name.h"
#include "builder/model/package.h"

#define ANSWER_SECONDS 30

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "target", .arg = "T", .text = "the target (default: this machine's)"},
	{.name = "abi", .arg = "A", .text = "such as napi-v6 (default: the newest that is there)"},
	{.name = "layout",
	 .arg = "L",
	 .value = "prebuild-install",
	 .text = "prebuild-install, node-pre-gyp, prebuildify, in-package (prebuilds/linux-x64.node), "
		 "or raw for the .node itself"},
	{.name = "output",
	 .arg = "FILE",
	 .text = "where to (also -o; default: the file's own name)"},
};

/* What is published for that package, version and target; the caller frees it. */
static struct json *
find_artifact(const struct remote *r, const struct name *n, const char *abi, struct err *e)
{
	char *path = xasprintf("/v1/artifacts?package=%s&version=%s&target=%s%s%s", n->package,
			       n->version, n->target->triple, abi != NULL ? "&abi=" : "",
			       abi != NULL ? abi : "");
	struct json *page = NULL, *last = NULL;

	/* '+' of a version's build part would be a space in a query. */
	for (char *plus; (plus = strchr(path, '+')) != NULL;) {
		char *more = xasprintf("%.*s%%2B%s", (int)(plus - path), path, plus + 1);

		free(path);
		path = more;
	}
	if (remote_json(r, "GET", path, NULL, ANSWER_SECONDS, &page, e) == 0) {
		json_foreach (a, json_get(page, "artifacts")) {
			json_free(last);
			last = json_copy(a);
		}
		if (last == NULL)
			err_set(e, ERR_NOT_FOUND,
				"%s@%s is not built for %s; build it: prebuildctl build %s@%s "
				"--target %s",
				n->package, n->version, n->target->triple, n->package, n->version,
				n->target->triple);
	}
	json_free(page);
	free(path);
	return last;
}

/* The file that the client of a layout would get. */
static int
download(const struct remote *r, const struct name *wanted, const struct json *artifact,
	 const char *output, char **file, struct err *e)
{
	bool raw = name_is_raw(wanted->layout);
	struct buf path = {0};
	char promised[80] = "";
	struct digest want, have;
	struct abi abi;
	struct name n;

	if (abi_parse(json_str(artifact, "abi", ""), &abi) != 0 ||
	    !name_of(wanted->layout, wanted->package, wanted->version, abi, wanted->target, &n))
		return err_set(e, ERR_UNSUPPORTED, "the layout %s has no name for %s",
			       name_layout_text(wanted->layout), wanted->target->triple);
	name_path(&n, &path);
	*file = xstrdup(output != NULL ? output
			: raw          ? json_str(artifact, "file", "addon.node")
				       : strrchr(path.data, '/') + 1);
	if (remote_save(r, path.data, *file, promised, e) == 0) {
		if (digest_parse(promised, &want) != 0)
			err_set(e, ERR_DIGEST, "the server named no digest for %s", path.data);
		else if (digest_path(*file, &have, e) == 0 && !digest_equal(&want, &have))
			err_set(e, ERR_DIGEST, "%s does not have its digest; it was removed",
				*file);
		if (e->code != 0)
			unlink(*file);
	}
	buf_fini(&path);
	return e->code;
}

int
ctl_fetch(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl fetch PKG@VER [--target T] [FLAG…]",
		.about = "Downloads a prebuild and verifies its digest.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	const char *target, *layout;
	struct json *artifact = NULL, *out;
	struct name n = {0};
	struct remote r = {0};
	struct err e = {0};
	char *file = NULL;
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	layout = opts_get(&o, "layout")->value;
	target = opts_get(&o, "target")->value;
	n.target = target != NULL ? target_find(target) : target_host();
	if (o.arg_count != 1 || package_parse_spec(o.args[0], n.package, n.version) != 0)
		err_set(&e, ERR_USAGE, "give one PACKAGE@VERSION, such as sqlite3@6.0.1");
	else if (n.target == NULL)
		err_set(&e, ERR_USAGE, "--target \"%s\" is not known; see: prebuildctl targets",
			target != NULL ? target : "");
	else if ((n.layout = name_layout_parse(layout)) == NAME_LAYOUT_COUNT)
		err_set(&e, ERR_USAGE,
			"--layout is prebuild-install, node-pre-gyp, prebuildify, in-package or "
			"raw, not \"%s\"",
			layout);
	else if (ctl_remote(&o, &r, &e) == 0)
		artifact = find_artifact(&r, &n, opts_get(&o, "abi")->value, &e);
	if (artifact != NULL &&
	    download(&r, &n, artifact, opts_get(&o, "output")->value, &file, &e) == 0) {
		if (opts_get(&o, "json")->given) {
			out = json_object();
			json_set_str(out, "file", file);
			json_set(out, "artifact", json_copy(artifact));
			ctl_print(out);
		} else {
			printf("%s\n", file);
			if (!json_bool(artifact, "load_tested", true))
				fprintf(stderr,
					"prebuildctl: %s is not load-tested: nobody here "
					"has loaded it\n",
					file);
		}
	}
	json_free(artifact);
	free(file);
	return ctl_end(&o, &r, &e);
}
