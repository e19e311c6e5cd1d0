#include "api/registry/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "api/registry/release.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"

static bool
is_one_of(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* What npm runs when it installs a package, and what it is told about compiling; what only developers of
 * the package use. */
static bool
is_left_out(const char *member)
{
	static const char *const members[] = {"devDependencies", "gypfile", "files",
					      "optionalDependencies", "publishConfig"};

	return is_one_of(member, members, ARRAY_SIZE(members));
}

static bool
is_install_script(const char *name)
{
	static const char *const scripts[] = {"preinstall", "install", "postinstall",
					      "preprepare", "prepare", "postprepare",
					      "prepublish"};

	return is_one_of(name, scripts, ARRAY_SIZE(scripts));
}

/* Dependencies that an install script or the compiler needs, and no JavaScript that runs. */
static bool
is_build_tool(const char *name)
{
	static const char *const tools[] = {
		"cmake-js", "nan", "node-addon-api", "node-gyp", "prebuild-install", "prebuildify"};

	return is_one_of(name, tools, ARRAY_SIZE(tools));
}

static struct json *
copy_without(const struct json *object, bool (*skip)(const char *name))
{
	struct json *out = json_object();

	/* What a package calls its dependencies may be a list: its members have no names. */
	if (!json_is_object(object))
		return out;
	json_foreach (member, object) {
		if (!skip(json_name(member)))
			json_set(out, json_name(member), json_copy(member));
	}
	return out;
}

/* Replaces a member, if it is there, by a copy without some of its own. */
static void
thin(struct json *manifest, const struct json *upstream, const char *name,
     bool (*skip)(const char *name))
{
	if (json_is_object(json_get(upstream, name)))
		json_set(manifest, name, copy_without(json_get(upstream, name), skip));
}

static struct json *
optional_dependencies(const struct json *upstream, const char *package, const char *version)
{
	struct json *out = copy_without(json_get(upstream, "optionalDependencies"), is_build_tool);
	struct buf range = {0};

	release_range(version, &range);
	for (size_t i = 0; i < target_count(); i++) {
		struct buf name = {0};

		release_name(package, target_at(i), &name);
		json_set_str(out, name.data, range.data);
		buf_fini(&name);
	}
	buf_fini(&range);
	return out;
}

static bool
brings_dependencies(const struct json *upstream)
{
	const struct json *a = json_get(upstream, "bundleDependencies"),
			  *b = json_get(upstream, "bundledDependencies");

	return json_count(a) > 0 || json_count(b) > 0;
}

int
manifest_main(const struct json *upstream, const char *package, const char *version,
	      struct json **out, struct err *e)
{
	struct json *m;
	struct buf name = {0};

	*out = NULL;
	if (brings_dependencies(upstream))
		return err_set(e, ERR_UNSUPPORTED,
			       "%s@%s has its dependencies bundled, which are not passed on",
			       package, version);
	m = copy_without(upstream, is_left_out);
	release_name(package, NULL, &name);
	json_set_str(m, "name", name.data);
	json_set_str(m, "version", version);
	thin(m, upstream, "scripts", is_install_script);
	thin(m, upstream, "dependencies", is_build_tool);
	thin(m, upstream, "peerDependencies", is_build_tool);
	thin(m, upstream, "peerDependenciesMeta", is_build_tool);
	json_set(m, "optionalDependencies", optional_dependencies(upstream, package, version));
	json_set_bool(m, "gypfile", false);
	buf_fini(&name);
	*out = m;
	return 0;
}

static void
set_list(struct json *o, const char *name, const char *value)
{
	struct json *list = json_array();

	json_add_str(list, value);
	json_set(o, name, list);
}

/* Node calls musl a platform of its own in file names only. */
static const char *
os_of(const struct target *t)
{
	return strcmp(t->node_platform, "linuxmusl") == 0 ? "linux" : t->node_platform;
}

struct json *
manifest_platform(const struct json *upstream, const char *package, const char *version,
		  const struct target *target, unsigned revision, const struct json *abis)
{
	static const char *const passed_on[] = {"license",    "author",   "contributors",
						"repository", "homepage", "bugs"};
	struct json *m = json_object();
	struct buf name = {0}, own = {0};
	char *description =
		xasprintf("The binaries of %s %s for %s", package, version, target->triple);

	release_name(package, target, &name);
	release_version(version, revision, &own);
	json_set_str(m, "name", name.data);
	json_set_str(m, "version", own.data);
	json_set_str(m, "description", description);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (json_get(upstream, passed_on[i]) != NULL)
			json_set(m, passed_on[i], json_copy(json_get(upstream, passed_on[i])));
	json_set_str(m, "main", "index.js");
	set_list(m, "os", os_of(target));
	set_list(m, "cpu", target->node_arch);
	if (strncmp(target->node_platform, "linux", 5) == 0)
		set_list(m, "libc", target_libc_text(target));
	/* A file that is loaded cannot lie in yarn's archive. */
	json_set_bool(m, "preferUnplugged", true);
	json_set(m, "abis", json_copy(abis));
	free(description);
	buf_fini(&own);
	buf_fini(&name);
	return m;
}

char *
manifest_binding_folder(const struct json *upstream)
{
	const char *path = json_str(json_get(upstream, "binary"), "module_path", NULL);
	const char *brace, *end;

	if (path == NULL)
		return NULL;
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	brace = strchr(path, '{');
	end = brace != NULL ? brace : path + strlen(path);
	while (end > path && *end != '/')
		end--;
	if (end == path || path[0] == '/' || strstr(path, "..") != NULL)
		return NULL;
	return xstrndup(path, (size_t)(end - path));
}
