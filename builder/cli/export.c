/*
 * export.c - prebuildctl export: packages of a service into one file, for `import` into another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/cli/bundle.h"
#include "builder/cli/ctl.h"
#include "builder/cli/download.h"
#include "builder/cli/follow.h"
#include "builder/model/origin.h"
#include "builder/pack/pack.h"

#define ANSWER_SECONDS 30

static struct opt table[] = {
	CTL_FLAGS,
	{.name = "target", .arg = "T", .many = true, .text = "only these targets (default: all)"},
	{.name = "abi",
	 .arg = "A",
	 .many = true,
	 .text = "only these ABIs, such as napi-v6 (default: all)"},
	{.name = "key",
	 .arg = "PUBKEY",
	 .text = "minisign's public key, or a file with it (also PREBUILDD_KEY; default: what the "
		 "service says)"},
	{.name = "output", .arg = "BUNDLE", .text = "where to (also -o)"},
};

struct taken {
	char *path;
	struct json *artifact;
};

struct exporting {
	struct opts *o;
	struct remote remote;
	struct minisign_key key;
	char *dir;         /* what is downloaded, beside the bundle */
	struct strv paths; /* of what is in it, below dir */
	struct taken *taken;
	size_t count;
	struct json *left_out;
};

/* ---- what is asked for ---- */

static bool
is_wanted(const struct opt *wanted, const char *have)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (strcmp(wanted->values[i], have) == 0)
			return true;
	return wanted->count == 0;
}

static int
check_wanted(struct opt *wanted, const struct opt *abis, struct err *e)
{
	struct abi abi;

	for (size_t i = 0; i < abis->count; i++)
		if (abi_parse(abis->values[i], &abi) != 0)
			return err_set(e, ERR_USAGE, "--abi \"%s\" is not like napi-v6",
				       abis->values[i]);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct target *t = target_find(wanted->values[i]);

		if (t == NULL)
			return err_set(e, ERR_USAGE,
				       "--target \"%s\" is not known; see: prebuildctl targets",
				       wanted->values[i]);
		wanted->values[i] = t->triple;
	}
	return 0;
}

/* ---- one artifact ---- */

static int
take(struct exporting *x, const struct json *artifact, struct err *e)
{
	char *file = NULL, *folder, *text = NULL;
	struct bundle_item item;

	if (bundle_item_read(artifact, &item, e) != 0)
		goto out;
	text = bundle_item_text(&item);
	/* Such a version stands for what was built from a source, and only for that. */
	if (origin_is_pinned(item.name.version)) {
		json_add(x->left_out, json_copy(artifact));
		fprintf(stderr, "prebuildctl: left out, since only a build can publish it: %s\n",
			text);
		goto out;
	}
	file = xasprintf("%s/%s", x->dir, item.path);
	folder = xstrndup(file, (size_t)(strrchr(file, '/') - file));
	if (file_exists(file)) { /* asked for twice */
		free(folder);
		goto out;
	}
	if (file_mkdirs(folder, 0700, e) == 0) {
		char *path = xasprintf("/%s", item.path);
		struct digest have;

		if (download_file(&x->remote, &item.name, path, file, &x->key, e) == 0 &&
		    digest_path(file, &have, e) == 0 && !digest_equal(&have, &item.digest))
			err_set(e, ERR_DIGEST, "%s came with other bytes than the list says", path);
		if (e->code == 0)
			download_documents(&x->remote, path, file, e);
		free(path);
	}
	free(folder);
	if (e->code != 0)
		goto out;
	strv_add(&x->paths, item.path);
	strv_addf(&x->paths, "%s.minisig", item.path);
	strv_addf(&x->paths, "%s.provenance.json", item.path);
	x->taken = xrealloc(x->taken, (x->count + 1) * sizeof *x->taken);
	x->taken[x->count++] = (struct taken){xstrdup(item.path), json_copy(artifact)};
	if (!opts_get(x->o, "json")->given)
		printf("%s\n", text);
	fflush(stdout);
out:
	free(text);
	free(file);
	bundle_item_fini(&item);
	return e->code;
}

static int
take_package(struct exporting *x, const char *spec, struct err *e)
{
	char package[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1] = "";
	struct json *all = NULL;
	struct buf path = {0};
	bool found = false;

	if (package_name_valid(spec))
		snprintf(package, sizeof package, "%s", spec);
	else if (package_parse_spec(spec, package, version) != 0)
		return err_set(e, ERR_USAGE,
			       "\"%s\" is no package, such as sqlite3 or sqlite3@6.0.1", spec);
	buf_adds(&path, "/v1/artifacts");
	remote_add_query(&path, "package", package);
	if (version[0] != '\0')
		remote_add_query(&path, "version", version);
	remote_list(&x->remote, path.data, "artifacts", ANSWER_SECONDS, &all, e);
	buf_fini(&path);
	json_foreach (a, all) {
		if (e->code != 0 ||
		    !is_wanted(opts_get(x->o, "target"), json_str(a, "target", "")) ||
		    !is_wanted(opts_get(x->o, "abi"), json_str(a, "abi", "")))
			continue;
		found = true;
		take(x, a, e);
	}
	json_free(all);
	if (e->code == 0 && !found)
		err_set(e, ERR_NOT_FOUND,
			"nothing is published of %s for these targets and ABIs; see: prebuildctl "
			"matrix %s",
			spec, package);
	return e->code;
}

/* ---- the bundle ---- */

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct taken *)a)->path, ((const struct taken *)b)->path);
}

/* A list that says what a bundle holds, and nothing that differs from one export to the next. */
static int
write_list(struct exporting *x, struct err *e)
{
	static const char *const members[] = {"package", "version", "abi",
					      "target",  "file",    "sha256"};
	struct json *list = json_object(), *artifacts = json_array();
	char *path = xasprintf("%s/" BUNDLE_LIST, x->dir), *text;
	struct buf key = {0};

	minisign_key_text(&x->key, &key);
	json_set_int(list, "format", BUNDLE_FORMAT);
	json_set_str(list, "key", key.data);
	/* In whatever order they were asked for. */
	qsort(x->taken, x->count, sizeof *x->taken, by_path);
	for (size_t at = 0; at < x->count; at++) {
		const struct json *a = x->taken[at].artifact;
		struct json *one = json_object();

		for (size_t i = 0; i < ARRAY_SIZE(members); i++)
			json_set_str(one, members[i], json_str(a, members[i], ""));
		json_set_int(one, "size", json_int(a, "size", 0));
		json_add(artifacts, one);
	}
	json_set(list, "artifacts", artifacts);
	text = json_pretty(list);
	file_write(path, text, strlen(text), 0644, e);
	strv_add(&x->paths, BUNDLE_LIST);
	free(text);
	free(path);
	buf_fini(&key);
	json_free(list);
	return e->code;
}

static int
pack(struct exporting *x, const char *to, struct err *e)
{
	struct pack_entry *entries = xcalloc(x->paths.n, sizeof *entries);
	char *temp = xasprintf("%s/packed", x->dir);
	struct strv files = {0};

	for (size_t i = 0; i < x->paths.n; i++)
		strv_addf(&files, "%s/%s", x->dir, x->paths.at[i]);
	for (size_t i = 0; i < x->paths.n; i++)
		entries[i] = (struct pack_entry){.name = x->paths.at[i], .path = files.at[i]};
	if (pack_files(entries, x->paths.n, temp, e) == 0 && rename(temp, to) != 0)
		err_sys(e, -errno, "write %s", to);
	strv_fini(&files);
	free(entries);
	free(temp);
	return e->code;
}

static int
export_all(struct exporting *x, const char *to, struct err *e)
{
	x->dir = xasprintf("%s.XXXXXX", to);
	if (mkdtemp(x->dir) == NULL) {
		err_sys(e, -errno, "make a folder beside %s", to);
		free(x->dir);
		x->dir = NULL;
		return e->code;
	}
	for (size_t i = 0; e->code == 0 && i < x->o->arg_count; i++)
		take_package(x, x->o->args[i], e);
	if (e->code == 0 && x->count == 0)
		err_set(e, ERR_NOT_FOUND, "there is nothing that could be exported");
	if (e->code == 0 && write_list(x, e) == 0)
		pack(x, to, e);
	file_remove_tree(x->dir, NULL);
	if (follow_interrupted) {
		*e = (struct err){0};
		err_set(e, ERR_INTERRUPTED, "interrupted; nothing was written");
	}
	return e->code;
}

int
ctl_export(int argc, char **argv)
{
	struct opts o = {
		.usage = "prebuildctl export PKG[@VER]… -o BUNDLE [FLAG…]",
		.about =
			"Downloads addons with their signatures and provenances into one file, which\n"
			"`prebuildctl import` hands in to another service.",
		.table = table,
		.table_size = ARRAY_SIZE(table),
	};
	struct exporting x = {.o = &o};
	const char *output;
	struct err e = {0};
	int code;

	if (!ctl_parse(&o, argc, argv, &code))
		return code;
	x.left_out = json_array();
	output = opts_get(&o, "output")->value;
	follow_until_interrupted();
	if (o.arg_count == 0)
		err_set(&e, ERR_USAGE, "give packages, such as sqlite3 or sqlite3@6.0.1");
	else if (output == NULL)
		err_set(&e, ERR_USAGE, "give -o BUNDLE, the file to write");
	else if (check_wanted(opts_get(&o, "target"), opts_get(&o, "abi"), &e) == 0 &&
		 ctl_remote(&o, &x.remote, &e) == 0) {
		x.remote.cancel = &follow_interrupted;
		if (download_key(&x.remote, ctl_key(&o), &x.key, &e) == 0)
			export_all(&x, output, &e);
	}
	if (e.code == 0 && opts_get(&o, "json")->given) {
		struct json *out = json_object(), *artifacts = json_array();

		json_set_str(out, "bundle", output);
		json_set(out, "artifacts", artifacts);
		for (size_t i = 0; i < x.count; i++)
			json_add(artifacts, json_copy(x.taken[i].artifact));
		json_set(out, "left_out", json_copy(x.left_out));
		ctl_print(out);
	}
	for (size_t i = 0; i < x.count; i++) {
		free(x.taken[i].path);
		json_free(x.taken[i].artifact);
	}
	free(x.taken);
	json_free(x.left_out);
	strv_fini(&x.paths);
	free(x.dir);
	return ctl_end(&o, &x.remote, &e);
}
