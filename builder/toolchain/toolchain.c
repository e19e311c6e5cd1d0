#include "builder/toolchain/toolchain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/abi.h"

#define DESCRIPTION_MAX (4u << 20)
#define NAME_DIGITS     32 /* hex digits of the digest in a folder's name */

static int
read_list(const struct json *doc, const char *name, struct strv *out, struct err *e)
{
	const struct json *list = json_get(doc, name);

	if (!json_is_array(list))
		return err_set(e, ERR_MALFORMED, "toolchain.json has no list \"%s\"", name);
	json_foreach (item, list) {
		if (json_string(item, NULL) == NULL)
			return err_set(e, ERR_MALFORMED, "toolchain.json: \"%s\" holds no strings",
				       name);
		strv_add(out, json_string(item, ""));
	}
	return 0;
}

static int
read_lists(struct toolchain *t, struct err *e)
{
	const struct json *doc = t->description;
	const struct {
		const char *name;
		struct strv *list;
	} lists[] = {
		{"cc", &t->cc},           {"cxx", &t->cxx},       {"cflags", &t->cflags},
		{"ldflags", &t->ldflags}, {"ldlibs", &t->ldlibs}, {"ar", &t->ar},
		{"strip", &t->strip},     {"cxx_v8", &t->cxx_v8}, {"ldlibs_v8", &t->ldlibs_v8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (read_list(doc, lists[i].name, lists[i].list, e) != 0)
			return e->code;
	return 0;
}

static int
component(const char *dir, const struct json *doc, const char *name, char **out, struct err *e)
{
	const char *folder = json_str(json_get(doc, "components"), name, NULL);

	if (folder == NULL || strchr(folder, '/') != NULL)
		return err_set(e, ERR_MALFORMED, "toolchain.json names no component \"%s\"", name);
	*out = xasprintf("%s/components/%s", dir, folder);
	if (!file_exists(*out))
		return err_set(e, ERR_NOT_FOUND, "%s is missing; assemble the toolchain again",
			       *out);
	return 0;
}

static int
read_load(struct toolchain *t, struct err *e)
{
	const struct json *load = json_get(t->description, "loadtest");
	const char *kind = json_str(load, "kind", ""), *version = json_str(load, "version", "");

	if (strcmp(kind, "none") == 0)
		return 0;
	if (read_list(load, "argv", &t->load_argv, e) != 0)
		return e->code;
	if (t->load_argv.n == 0)
		return err_set(e, ERR_MALFORMED, "toolchain.json: the load test has no command");
	t->load_script = strcmp(kind, "host") != 0;
	t->load_runtime =
		t->load_script ? xasprintf("%s %s", kind, version)
			       : xasprintf("Node-API host without JavaScript, %s %s",
					   json_str(json_get(t->description, "libc"), "name", ""),
					   version);
	if (json_str(load, "emulator", "")[0] != '\0')
		t->load_emulator = xstrdup(json_str(load, "emulator", ""));
	return 0;
}

/* The ABI of the Node that runs builds is a link to it among the others. */
static void
read_node_abi(struct toolchain *t)
{
	json_foreach (one, json_get(t->description, "node_abis")) {
		int64_t abi = json_int(one, "abi", 0);
		char *path = xasprintf("%s/abi/%lld", t->node, (long long)abi);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			t->node_abi = (unsigned)abi;
		free(path);
	}
}

/* The folder's name and its manifest must agree; `toolchain verify` checks the files themselves,
 * which takes too long for every start. */
static int
check_digest(struct toolchain *t, struct err *e)
{
	const char *name = strrchr(t->dir, '/') + 1;
	char *manifest = xasprintf("%s/manifest.txt", t->dir);
	struct digest d;
	size_t n = strlen(name);
	int r = digest_path(manifest, &d, e);

	free(manifest);
	if (r != 0)
		return r;
	digest_hex(&d, t->digest);
	if (n < NAME_DIGITS || strncmp(name + n - NAME_DIGITS, t->digest, NAME_DIGITS) != 0)
		return err_set(e, ERR_MALFORMED,
			       "%s is not what its name says; remove it and assemble it again",
			       t->dir);
	return 0;
}

int
toolchain_open(const char *dir, const struct target *target, struct toolchain *out, struct err *e)
{
	char *link = xasprintf("%s/%s", dir, target->triple), *path = NULL, *assembly = NULL;
	char *real_dir = realpath(dir, NULL);
	struct buf text = {0};

	*out = (struct toolchain){.target = target};
	out->dir = real_dir != NULL ? realpath(link, NULL) : NULL;
	free(link);
	if (out->dir == NULL) {
		assembly = target_assembly(target);
		if (assembly != NULL)
			err_set(e, ERR_NOT_FOUND,
				"no toolchain for %s in %s; run: prebuildctl toolchain assemble %s "
				"--toolchains %s",
				target->triple, dir, assembly, dir);
		else
			err_set(e, ERR_NOT_FOUND, "there is no toolchain for %s", target->triple);
		goto out;
	}
	path = xasprintf("%s/toolchain.json", out->dir);
	if (file_read(path, DESCRIPTION_MAX, &text, e) != 0)
		goto out;
	out->description = json_parse(text.data, text.len, e);
	if (out->description == NULL || check_digest(out, e) != 0)
		goto out;
	if (json_int(out->description, "schema", 0) != 1 ||
	    strcmp(json_str(out->description, "target", ""), target->triple) != 0) {
		err_set(e, ERR_MALFORMED, "%s describes another target or schema", path);
		goto out;
	}
	if (component(real_dir, out->description, "root", &out->root, e) == 0 &&
	    component(real_dir, out->description, "node", &out->node, e) == 0 &&
	    read_lists(out, e) == 0 && read_load(out, e) == 0)
		read_node_abi(out);
out:
	free(path);
	free(assembly);
	free(real_dir);
	buf_fini(&text);
	if (e->code != 0)
		toolchain_fini(out);
	return e->code;
}

const char *
toolchain_node_version(const struct toolchain *t, unsigned abi)
{
	json_foreach (one, json_get(t->description, "node_abis"))
		if (json_int(one, "abi", 0) == abi)
			return json_str(one, "version", NULL);
	return NULL;
}

unsigned
toolchain_node_with_napi(const struct toolchain *t, unsigned napi)
{
	unsigned lowest = 0;

	json_foreach (one, json_get(t->description, "node_abis")) {
		unsigned abi = (unsigned)json_int(one, "abi", 0);

		if (abi_napi_of_node(json_str(one, "version", "")) >= napi &&
		    (lowest == 0 || abi < lowest))
			lowest = abi;
	}
	return lowest;
}

void
toolchain_fini(struct toolchain *t)
{
	free(t->dir);
	free(t->root);
	free(t->node);
	strv_fini(&t->cc);
	strv_fini(&t->cxx);
	strv_fini(&t->cflags);
	strv_fini(&t->ldflags);
	strv_fini(&t->ldlibs);
	strv_fini(&t->ar);
	strv_fini(&t->strip);
	strv_fini(&t->cxx_v8);
	strv_fini(&t->ldlibs_v8);
	strv_fini(&t->load_argv);
	free(t->load_runtime);
	free(t->load_emulator);
	json_free(t->description);
	*t = (struct toolchain){0};
}
