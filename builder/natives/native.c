#include "builder/natives/native.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/source/default_abi.h"

#define PREBUILDS    "prebuilds"
#define DEPTH_MAX    4
#define SCRIPT_MAX   300
#define LIST_MAX     32 /* values of os, cpu, libc */
#define PLATFORM_MAX 100

/* What install scripts call when they have to do with addons. The first of them that a script has
 * counts: "prebuild-install || node-gyp rebuild" downloads if it can. */
static const struct {
	const char *word;
	bool downloads;
} tools[] = {
	{"prebuild-install", true}, {"node-pre-gyp", true}, {"install-from-cache", true},
	{"node-gyp-build", false},  {"node-gyp", false},    {"cmake-js", false},
	{"prebuildify", false},     {"neon", false},        {"pkg-prebuilds-verify", false},
	{"prebuild-verify", false},
};

/* ---- what runs ---- */

static const char *
install_script(const struct json *manifest)
{
	static const char *const names[] = {"install", "preinstall", "postinstall"};
	const struct json *scripts = json_get(manifest, "scripts");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (json_str(scripts, names[i], NULL) != NULL)
			return json_str(scripts, names[i], NULL);
	return NULL;
}

bool
native_runs_at_install(const struct json *manifest)
{
	/* For a binding.gyp without a script npm runs "node-gyp rebuild"; registries add that. */
	return install_script(manifest) != NULL || json_bool(manifest, "gypfile", false);
}

/* The tool's place in the table, or its size. */
static size_t
tool_of(const char *script)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(tools) && (script == NULL || strstr(script, tools[i].word) == NULL))
		i++;
	return i;
}

/* ---- reading ---- */

/* A string stands for a list of one. */
static void
add_list(const struct json *v, struct strv *out)
{
	if (json_string(v, NULL) != NULL)
		strv_add(out, json_string(v, ""));
	if (!json_is_array(v))
		return;
	json_foreach (item, v)
		if (out->n < LIST_MAX && json_string(item, NULL) != NULL)
			strv_add(out, json_string(item, ""));
}

static struct platform
platform_of(const struct json *manifest)
{
	struct platform p = {.package = xasprintf("%s@%s", json_str(manifest, "name", ""),
						  json_str(manifest, "version", ""))};

	add_list(json_get(manifest, "os"), &p.os);
	add_list(json_get(manifest, "cpu"), &p.cpu);
	add_list(json_get(manifest, "libc"), &p.libc);
	return p;
}

static void
platform_fini(struct platform *p)
{
	free(p->package);
	strv_fini(&p->os);
	strv_fini(&p->cpu);
	strv_fini(&p->libc);
}

void
native_add_platform(struct native *n, const struct json *manifest)
{
	struct platform p = platform_of(manifest);
	bool one_of_them = n->itself.os.n > 0 || n->itself.cpu.n > 0;

	if (one_of_them || (p.os.n == 0 && p.cpu.n == 0) || n->platform_count == PLATFORM_MAX) {
		platform_fini(&p);
		return;
	}
	n->platforms = xrealloc(n->platforms, (n->platform_count + 1) * sizeof p);
	n->platforms[n->platform_count++] = p;
}

/* Links do not come out of an unpacked package. */
static void
find_addons(const char *root, const char *below, int depth, struct strv *out)
{
	char *folder = xasprintf("%s/%s", root, below);
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	const struct dirent *entry;

	free(folder);
	while (dir != NULL && out->n < NATIVE_PREBUILDS_MAX && (entry = readdir(dir)) != NULL) {
		char *name = xasprintf("%s/%s", below, entry->d_name);
		size_t len = strlen(name);

		if (entry->d_name[0] != '.' && len > 5 && strcmp(name + len - 5, ".node") == 0)
			strv_add(out, name);
		else if (entry->d_name[0] != '.')
			find_addons(root, name, depth + 1, out);
		free(name);
	}
	if (dir != NULL)
		closedir(dir);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
read_folder(const struct json *manifest, const char *folder, struct native *out)
{
	char *gyp = xasprintf("%s/binding.gyp", folder);

	out->gyp = file_exists(gyp) && json_bool(manifest, "gypfile", true);
	find_addons(folder, PREBUILDS, 0, &out->prebuilds);
	if (out->gyp || out->prebuilds.n > 0)
		out->abi = default_abi(folder, manifest, 0);
	/* In an order that does not depend on the file system. */
	if (out->prebuilds.n > 0)
		qsort(out->prebuilds.at, out->prebuilds.n, sizeof *out->prebuilds.at, compare);
	free(gyp);
}

void
native_read(const struct json *manifest, const char *folder, struct native *out)
{
	const char *script = install_script(manifest);
	size_t tool = tool_of(script);

	*out = (struct native){
		.name = xstrdup(json_str(manifest, "name", "")),
		.version = xstrdup(json_str(manifest, "version", "")),
		.itself = platform_of(manifest),
		.script = script != NULL ? xstrndup(script, SCRIPT_MAX) : NULL,
		.downloads =
			tool < ARRAY_SIZE(tools) && tools[tool].downloads ? tools[tool].word : NULL,
	};
	if (folder != NULL)
		read_folder(manifest, folder, out);
}

void
native_fini(struct native *n)
{
	free(n->name);
	free(n->version);
	free(n->script);
	platform_fini(&n->itself);
	strv_fini(&n->prebuilds);
	for (size_t i = 0; i < n->platform_count; i++)
		platform_fini(&n->platforms[i]);
	free(n->platforms);
	*n = (struct native){0};
}

bool
native_is_one(const struct native *n)
{
	return n->gyp || n->prebuilds.n > 0 || n->platform_count > 0 ||
	       tool_of(n->script) < ARRAY_SIZE(tools);
}

/* ---- what fits ---- */

/* npm's rule: an excluded value decides; what is listed must be there, if anything is. */
static bool
list_fits(const struct strv *list, const char *value)
{
	bool any = false, found = false;

	for (size_t i = 0; i < list->n; i++) {
		const char *s = list->at[i];

		if (s[0] == '!' && strcmp(s + 1, value) == 0)
			return false;
		any |= s[0] != '!';
		found |= strcmp(s, value) == 0 || strcmp(s, "any") == 0;
	}
	return found || !any;
}

/* process.platform, which does not name the C library. */
static const char *
os_of(const struct target *t)
{
	return t->libc == LIBC_MUSL ? "linux" : t->node_platform;
}

bool
platform_fits(const struct platform *p, const struct target *t)
{
	return list_fits(&p->os, os_of(t)) && list_fits(&p->cpu, t->node_arch) &&
	       (strcmp(os_of(t), "linux") != 0 || list_fits(&p->libc, target_libc_text(t)));
}

char *
native_platforms_for(const struct native *n, const struct target *t)
{
	struct buf names = {0};

	for (size_t i = 0; i < n->platform_count; i++)
		if (platform_fits(&n->platforms[i], t))
			buf_addf(&names, "%s%s", names.len > 0 ? ", " : "",
				 n->platforms[i].package);
	return names.len > 0 ? buf_take(&names) : NULL;
}

#define SEPARATORS "/-.+_" /* of a path's parts */

static bool
has_part(const char *path, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = path; *p != '\0'; p += strspn(p, SEPARATORS)) {
		size_t part = strcspn(p, SEPARATORS);

		if (part == len && strncmp(p, word, len) == 0)
			return true;
		p += part;
	}
	return false;
}

/* "node.abi127.node" and "abi127.node" are for that ABI of Node only. */
static bool
abi_fits(const char *path, struct abi abi)
{
	for (const char *p = path; *p != '\0'; p += strspn(p, SEPARATORS)) {
		unsigned long n = strncmp(p, "abi", 3) == 0 ? strtoul(p + 3, NULL, 10) : 0;

		if (n != 0)
			return abi.kind == ABI_NODE && (abi.version == 0 || abi.version == n);
		p += strcspn(p, SEPARATORS);
	}
	return true;
}

static bool
prebuild_fits(const char *path, const struct target *t, struct abi abi)
{
	bool musl = has_part(path, "musl") || has_part(path, "linuxmusl");

	if (!has_part(path, os_of(t)) && !(musl && has_part(path, "linuxmusl")))
		return false;
	/* The targets for 32-bit ARM are for processors before ARMv7. */
	if (strcmp(t->node_arch, "arm") == 0 &&
	    (has_part(path, "armv7") || has_part(path, "armv8")))
		return false;
	return has_part(path, t->node_arch) && musl == (t->libc == LIBC_MUSL) &&
	       !has_part(path, "electron") && !has_part(path, "webkit") && abi_fits(path, abi);
}

const char *
native_prebuild_for(const struct native *n, const struct target *t, struct abi abi)
{
	for (size_t i = 0; i < n->prebuilds.n; i++)
		if (prebuild_fits(n->prebuilds.at[i] + strlen(PREBUILDS "/"), t, abi))
			return n->prebuilds.at[i];
	return NULL;
}
