#include "api/registry/tarball.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/pack/pack.h"
#include "builder/pack/tar_reader.h"
#include "tests/lib/test.h"

static char bundle_path[4096], made_path[4096];

static void
set_paths(void)
{
	snprintf(bundle_path, sizeof bundle_path, "%s/bundle.tar.gz", test_dir());
	snprintf(made_path, sizeof made_path, "%s/made.tgz", test_dir());
	unlink(bundle_path);
	unlink(made_path);
}

/* A source bundle with that package.json, as a resolve job hands one in; and what is for compiling. */
static int
bundle_with(const char *manifest)
{
	const struct pack_entry entries[] = {
		{.name = "package/package.json", .data = manifest, .len = strlen(manifest)},
		{.name = "package/LICENSE", .data = "l", .len = 1},
		{.name = "package/lib/index.js", .data = "x", .len = 1},
		{.name = "package/src/addon.cc", .data = "x", .len = 1},
		{.name = "package/binding.gyp", .data = "{}", .len = 2},
		{.name = "package/deps/sqlite.tar.gz", .data = "x", .len = 1},
		{.name = "package/build/Release/other.node", .data = "x", .len = 1},
		{.name = "package/node_modules/dependency/index.js", .data = "x", .len = 1},
	};
	struct err e = {0};

	set_paths();
	CHECK_MSG(pack_files(entries, ARRAY_SIZE(entries), bundle_path, &e) == 0, "%s", e.msg);
	return open(bundle_path, O_RDONLY | O_CLOEXEC);
}

static int
make(const char *source, const struct target *target, struct json **manifest, struct err *e)
{
	const struct tarball_addon addon = {.abi = "napi-v6", .data = "addon", .len = 5};
	struct tarball_spec spec = {
		.package = "p",
		.version = "1.0.0",
		.bundle = bundle_with(source),
		.addon_file = "addon.node",
		.abi = {ABI_NAPI, 6},
		.target = target,
		.revision = 1,
		.addons = &addon,
		.addon_count = target != NULL ? 1 : 0,
	};
	int r;

	*e = (struct err){0};
	r = tarball_make(&spec, made_path, manifest, e);
	close(spec.bundle);
	return r;
}

/* The names in the tarball that was made, each with a space behind it. */
static const char *
names_made(void)
{
	const struct tar_limits limits = {.bytes = 1 << 20, .entries = 100};
	static char text[2048];
	struct tar_reader *tar = NULL;
	struct tar_entry entry;
	size_t n = 0;

	text[0] = '\0';
	CHECK_INT(tar_reader_open_file(made_path, &limits, &tar, NULL), 0);
	while (tar_reader_next(tar, &entry, NULL) > 0)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s ", entry.name);
	tar_reader_close(tar);
	return text;
}

TEST(the_main_package_is_upstreams_without_what_is_for_compiling)
{
	struct json *m = NULL;
	struct err e;

	CHECK_MSG(make("{\"name\":\"p\",\"version\":\"1.0.0\",\"gypfile\":true,"
		       "\"scripts\":{\"install\":\"node-gyp rebuild\",\"test\":\"t\"},"
		       "\"dependencies\":{\"bindings\":\"^1\",\"node-addon-api\":\"^8\"}}",
		       NULL, &m, &e) == 0,
		  "%s", e.msg);
	CHECK_STR(names_made(), "package/LICENSE package/build/Release/addon.node/index.js "
				"package/lib/index.js package/package.json ");
	CHECK_STR(json_str(m, "name", ""), "@prebuildd/p");
	CHECK_STR(json_str(json_get(m, "scripts"), "install", "none"), "none");
	CHECK_STR(json_str(json_get(m, "scripts"), "test", ""), "t");
	CHECK_STR(json_str(json_get(m, "dependencies"), "bindings", ""), "^1");
	CHECK_STR(json_str(json_get(m, "dependencies"), "node-addon-api", "none"), "none");
	CHECK_STR(json_str(json_get(m, "optionalDependencies"), "@prebuildd/p-linux-x64", ""),
		  ">=1.0.0-0 <=1.0.0-999999");
	json_free(m);
}

TEST(node_pre_gyp_finds_a_loader_for_each_platform)
{
	struct json *m = NULL;
	struct err e;

	CHECK_INT(
		make("{\"binary\":{\"module_path\":\"./lib/binding/napi-v{napi_build_version}\"}}",
		     NULL, &m, &e),
		0);
	CHECK(strstr(names_made(),
		     "package/lib/binding/napi-v6-linux-glibc-x64/addon.node/index.js") != NULL);
	CHECK(strstr(names_made(),
		     "package/lib/binding/napi-v6-linux-musl-arm64/addon.node/index.js") != NULL);
	json_free(m);
	/* A path that leads out of the package is none. */
	CHECK_INT(make("{\"binary\":{\"module_path\":\"./../../{x}\"}}", NULL, &m, &e), 0);
	CHECK(strstr(names_made(), "..") == NULL);
	json_free(m);
}

TEST(a_targets_package_has_the_binary_and_the_licence)
{
	const struct target *t = target_find("linuxmusl-arm64");
	struct json *m = NULL;
	struct err e;

	CHECK_INT(make("{\"name\":\"p\",\"license\":\"MIT\"}", t, &m, &e), 0);
	CHECK_STR(names_made(), "package/LICENSE package/index.js package/napi-v6.node "
				"package/package.json package/prebuildd.json ");
	CHECK_STR(json_str(m, "name", ""), "@prebuildd/p-linuxmusl-arm64");
	CHECK_STR(json_str(m, "version", ""), "1.0.0-1");
	CHECK_STR(json_str(m, "license", ""), "MIT");
	CHECK_STR(json_string(json_first(json_get(m, "os")), ""), "linux");
	CHECK_STR(json_string(json_first(json_get(m, "cpu")), ""), "arm64");
	CHECK_STR(json_string(json_first(json_get(m, "libc")), ""), "musl");
	json_free(m);
}

/* A worker is not trusted with the source that it hands in. */
TEST(a_hostile_manifest_is_refused_or_does_no_harm)
{
	static const struct {
		const char *manifest;
		int code;
	} rows[] = {
		{"[]", ERR_MALFORMED},
		{"[{\"name\":\"p\"}]", ERR_MALFORMED},
		{"\"p\"", ERR_MALFORMED},
		{"null", ERR_MALFORMED},
		{"", ERR_MALFORMED},
		{"{\"name\":", ERR_MALFORMED},
		{"{\"bundleDependencies\":[\"a\"]}", ERR_UNSUPPORTED},
		{"{\"bundledDependencies\":[\"a\"]}", ERR_UNSUPPORTED},
		{"{\"scripts\":[\"a\"],\"dependencies\":[\"a\"],\"optionalDependencies\":[\"a\"],"
		 "\"peerDependencies\":\"a\",\"binary\":[1]}",
		 0},
		{"{\"binary\":{\"module_path\":\"/etc/{x}\"}}", 0},
		{"{\"binary\":{\"module_path\":7}}", 0},
		{"{\"binary\":{\"module_path\":\"\"}}", 0},
		{"{\"name\":7,\"license\":[],\"repository\":{\"a\":[{}]}}", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int platform = 0; platform < 2; platform++) {
			const struct target *t = platform ? target_find("linux-x64") : NULL;
			struct json *m = NULL;
			struct err e;
			int r = make(rows[i].manifest, t, &m, &e);
			/* Only the main package passes dependencies on. */
			int want = platform && rows[i].code == ERR_UNSUPPORTED ? 0 : rows[i].code;

			CHECK_MSG(r == want && (m != NULL) == (r == 0), "%s: %d, %s",
				  rows[i].manifest, r, e.msg);
			json_free(m);
		}
	}
}
