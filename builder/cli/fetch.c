#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/cli/ctl.h"
#include "builder/cli/download.h"
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
	{.name = "key",
	 .arg = "PUBKEY",
	 .text = "minisign's public key, or a file with it (also PREBUILDD_KEY; default: what the "
		 "service says)"},
	{.name = "documents", .text = "save FILE.minisig and FILE.provenance.json too, for verify"},
	{.name = "output",
	 .arg = "FILE",
	 .text = "where to (also -o; default: the file's own name)"},
};

/* What is published for that package, version and target; the caller frees it. */
static struct json *
find_artifact(const struct remote *r, const struct name *n, const char *abi, struct err *e)
{
	struct json *page = NULL, *last = NULL;
	struct buf path = {0};

	buf_adds(&path, "/v1/artifacts");
	remote_add_query(&path, "package", n->package);
	remote_add_query(&path, "version", n->version);
	remote_add_query(&path, "target", n->target->triple);
	if (abi != NULL)
		remote_add_query(&path, "abi", abi);
	if (remote_json(r, "GET", path.data, NULL, ANSWER_SECONDS, &page, e) == 0) {
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
	buf_fini(&path);
	return last;
}

/* ---- the file ---- */

/* What the service calls an addon becomes a file here, in this folder and no other. */
static bool
is_file_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* The file that the client of a layout would get. */
static int
download(const struct remote *r, struct opts *o, const struct name *wanted,
	 const struct json *artifact, char **file, struct err *e)
{
	const char *output = opts_get(o, "output")->value;
	const char *addon = json_str(artifact, "file", "addon.node");
	bool raw = name_is_raw(wanted->layout);
	struct buf path = {0};
	struct minisign_key key;
	struct abi abi;
	struct name n;

	if (abi_parse(json_str(artifact, "abi", ""), &abi) != 0 ||
	    !name_of(wanted->layout, wanted->package, wanted->version, abi, wanted->target, &n))
		return err_set(e, ERR_UNSUPPORTED, "the layout %s has no name for %s",
			       name_layout_text(wanted->layout), wanted->target->triple);
	if (!is_file_name(addon))
		return err_set(e, ERR_MALFORMED,
			       "the service calls the addon \"%.60s\", which is no file's name",
			       addon);
	name_path(&n, &path);
	*file = xstrdup(output != NULL ? output : raw ? addon : strrchr(path.data, '/') + 1);
	if (download_key(r, ctl_key(o), &key, e) == 0 &&
	    download_file(r, &n, path.data, *file, &key, e) == 0 && opts_get(o, "documents")->given)
		download_documents(r, path.data, *file, e);
	buf_fini(&path);
	return e->code;
}

int
ctl_fetch(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl fetch PKG@VER [--target T] [FLAG…]",
		.about = "Downloads a prebuild and verifies its digest and its signature.",
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
	if (artifact != NULL && download(&r, &o, &n, artifact, &file, &e) == 0) {
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
