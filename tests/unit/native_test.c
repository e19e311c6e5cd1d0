#include "builder/natives/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static struct json *
parse(const char *text)
{
	struct err e = {0};
	struct json *v = json_parse(text, strlen(text), &e);

	CHECK_MSG(v != NULL, "%s: %s", text, e.msg);
	return v;
}

static void
put(const char *folder, const char *file, const char *text)
{
	char *path = xasprintf("%s/%s", folder, file), *parent = xstrdup(path);

	*strrchr(parent, '/') = '\0';
	CHECK_INT(file_mkdirs(parent, 0755, NULL), 0);
	CHECK_INT(file_write(path, text, strlen(text), 0644, NULL), 0);
	free(parent);
	free(path);
}

TEST(what_runs_at_install)
{
	static const struct {
		const char *manifest;
		bool runs;
	} cases[] = {
		{"{}", false},
		{"{\"scripts\":{\"test\":\"node-gyp rebuild\"}}", false},
		{"{\"scripts\":{\"install\":\"node-gyp rebuild\"}}", true},
		{"{\"scripts\":{\"preinstall\":\"x\"}}", true},
		{"{\"scripts\":{\"postinstall\":\"x\"}}", true},
		{"{\"gypfile\":true}", true},
		{"{\"gypfile\":false}", false},
		{"{\"scripts\":\"install\"}", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *manifest = parse(cases[i].manifest);

		CHECK_MSG(native_runs_at_install(manifest) == cases[i].runs, "%s",
			  cases[i].manifest);
		json_free(manifest);
	}
}

/* A package of each kind. files: names, of which those that end in ".cc" include Node-API. */
TEST(what_is_in_a_package)
{
	static const struct {
		const char *manifest, *files[4];
		bool one, gyp;
		enum abi_kind kind;
		unsigned version;
		const char *downloads;
	} cases[] = {
		{"{\"scripts\":{\"install\":\"prebuild-install -r napi || node-gyp rebuild\"},"
		 "\"binary\":{\"napi_versions\":[3,6]}}",
		 {"binding.gyp"},
		 true,
		 true,
		 ABI_NAPI,
		 6,
		 "prebuild-install"},
		{"{\"scripts\":{\"install\":\"node-gyp-build\"}}",
		 {"binding.gyp", "src/a.cc", "prebuilds/linux-x64/node.napi.node"},
		 true,
		 true,
		 ABI_NAPI,
		 8,
		 NULL},
		{"{\"scripts\":{\"install\":\"node-gyp rebuild\"}}",
		 {"binding.gyp"},
		 true,
		 true,
		 ABI_NODE,
		 0,
		 NULL},
		{"{\"scripts\":{\"install\":\"node-pre-gyp install --fallback-to-build\"}}",
		 {"binding.gyp"},
		 true,
		 true,
		 ABI_NODE,
		 0,
		 "node-pre-gyp"},
		/* Downloads a program: nothing native that npm would compile. */
		{"{\"scripts\":{\"postinstall\":\"node install.js\"}}",
		 {"install.js"},
		 false,
		 false,
		 ABI_NONE,
		 0,
		 NULL},
		/* npm does not run node-gyp then. */
		{"{\"gypfile\":false,\"scripts\":{\"install\":\"node install.js\"}}",
		 {"binding.gyp"},
		 false,
		 false,
		 ABI_NONE,
		 0,
		 NULL},
		{"{\"scripts\":{\"install\":\"cmake-js compile\"}}",
		 {"CMakeLists.txt"},
		 true,
		 false,
		 ABI_NONE,
		 0,
		 NULL},
		{"{\"scripts\":{\"install\":\"node x\"}}",
		 {"prebuilds/deep/er/and/deep/er/x.node"},
		 false,
		 false,
		 ABI_NONE,
		 0,
		 NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[20];
		const char *folder;
		struct json *manifest = parse(cases[i].manifest);
		struct native n;

		snprintf(name, sizeof name, "package%zu", i);
		folder = test_path(name);
		put(folder, "package.json", "{}");
		for (size_t f = 0; f < 4 && cases[i].files[f] != NULL; f++)
			put(folder, cases[i].files[f],
			    strstr(cases[i].files[f], ".cc") != NULL ? "#include <node_api.h>\n"
								     : "");
		native_read(manifest, folder, &n);
		CHECK_MSG(native_is_one(&n) == cases[i].one, "case %zu", i);
		CHECK_MSG(n.gyp == cases[i].gyp, "case %zu", i);
		CHECK_INT(n.abi.kind, cases[i].kind);
		CHECK_INT(n.abi.version, cases[i].version);
		CHECK_STR(n.downloads, cases[i].downloads);
		native_fini(&n);
		json_free(manifest);
	}
}

TEST(prebuilds_by_their_names)
{
	static const struct {
		const char *file, *target;
		struct abi abi;
		bool fits;
	} cases[] = {
		/* prebuildify and node-gyp-build */
		{"linux-x64/node.napi.node", "linux-x64", {ABI_NAPI, 8}, true},
		{"linux-x64/node.napi.node", "linuxmusl-x64", {ABI_NAPI, 8}, false},
		{"linux-x64/node.napi.node", "linux-arm64", {ABI_NAPI, 8}, false},
		{"linux-x64/bufferutil.node", "linux-x64", {ABI_NAPI, 8}, true},
		{"linux-x64/a.napi.glibc.node", "linux-x64", {ABI_NAPI, 8}, true},
		{"linux-x64/a.napi.musl.node", "linux-x64", {ABI_NAPI, 8}, false},
		{"linux-x64/a.napi.musl.node", "linuxmusl-x64", {ABI_NAPI, 8}, true},
		{"linux-arm64/a.armv8.node", "linux-arm64", {ABI_NAPI, 8}, true},
		{"linux-arm/a.armv7.node", "linux-arm", {ABI_NAPI, 8}, false},
		{"linux-arm/a.armv6.node", "linux-arm", {ABI_NAPI, 8}, true},
		{"linux-x64/node.abi127.node", "linux-x64", {ABI_NODE, 127}, true},
		{"linux-x64/abi127.node", "linux-x64", {ABI_NODE, 127}, true},
		{"linux-x64/node.abi127.node", "linux-x64", {ABI_NODE, 137}, false},
		{"linux-x64/node.abi127.node", "linux-x64", {ABI_NODE, 0}, true},
		{"linux-x64/node.abi127.node", "linux-x64", {ABI_NAPI, 8}, false},
		{"linux-x64/electron.napi.node", "linux-x64", {ABI_NAPI, 8}, false},
		{"darwin-x64+arm64/node.napi.node", "linux-x64", {ABI_NAPI, 8}, false},
		{"android-arm64/node.napi.node", "linux-arm64", {ABI_NAPI, 8}, false},
		{"win32-x64/node.napi.node", "win32-x64", {ABI_NAPI, 8}, true},
		{"darwin-x64+arm64/node.napi.node", "darwin-arm64", {ABI_NAPI, 8}, true},
		{"linux-arm64/node.napi.node", "darwin-arm64", {ABI_NAPI, 8}, false},
		/* pkg-prebuilds, better-sqlite3 13 */
		{"a-linux-x64-musl/node-napi-v7.node", "linuxmusl-x64", {ABI_NAPI, 7}, true},
		{"a-linux-x64/node-napi-v7.node", "linux-x64", {ABI_NAPI, 7}, true},
		{"linuxmusl-x64.node", "linuxmusl-x64", {ABI_NAPI, 10}, true},
		{"linuxmusl-x64.node", "linux-x64", {ABI_NAPI, 10}, false},
		{"linux-x64.node", "linux-x64", {ABI_NAPI, 10}, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct target *t = target_find(cases[i].target);
		struct native n = {0};

		strv_addf(&n.prebuilds, "prebuilds/%s", cases[i].file);
		if (CHECK_MSG(t != NULL, "%s", cases[i].target))
			CHECK_MSG((native_prebuild_for(&n, t, cases[i].abi) != NULL) ==
					  cases[i].fits,
				  "%s for %s", cases[i].file, cases[i].target);
		native_fini(&n);
	}
}

TEST(platforms_as_npm_chooses_them)
{
	static const struct {
		const char *manifest, *target;
		bool fits;
	} cases[] = {
		{"{}", "linux-x64", true},
		{"{\"os\":[\"linux\"],\"cpu\":[\"x64\"]}", "linux-x64", true},
		{"{\"os\":[\"linux\"],\"cpu\":[\"x64\"]}", "linuxmusl-x64", true},
		{"{\"os\":[\"linux\"],\"cpu\":[\"x64\"]}", "linux-arm64", false},
		{"{\"os\":[\"linux\"],\"cpu\":[\"x64\"]}", "win32-x64", false},
		{"{\"os\":[\"linux\"],\"libc\":[\"glibc\"]}", "linux-x64", true},
		{"{\"os\":[\"linux\"],\"libc\":[\"glibc\"]}", "linuxmusl-x64", false},
		{"{\"os\":[\"linux\"],\"libc\":\"musl\"}", "linuxmusl-arm64", true},
		{"{\"os\":[\"!win32\"]}", "linux-x64", true},
		{"{\"os\":[\"!win32\"]}", "win32-x64", false},
		{"{\"os\":[\"linux\",\"!linux\"]}", "linux-x64", false},
		{"{\"os\":[\"darwin\"]}", "linux-x64", false},
		{"{\"os\":[\"darwin\"],\"libc\":[\"glibc\"]}", "darwin-arm64", true},
		{"{\"cpu\":[\"wasm32\"]}", "linux-x64", false},
		{"{\"os\":\"any\"}", "linux-x64", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *manifest = parse(cases[i].manifest);
		const struct target *t = target_find(cases[i].target);
		struct native n;

		native_read(manifest, NULL, &n);
		if (CHECK_MSG(t != NULL, "%s", cases[i].target))
			CHECK_MSG(platform_fits(&n.itself, t) == cases[i].fits, "%s for %s",
				  cases[i].manifest, cases[i].target);
		native_fini(&n);
		json_free(manifest);
	}
}

TEST(packages_for_platforms)
{
	struct json *whole = parse("{\"name\":\"w\",\"version\":\"1.0.0\"}");
	struct json *x64 = parse("{\"name\":\"w-x64\",\"version\":\"1.0.1\",\"os\":[\"linux\"],"
				 "\"cpu\":[\"x64\"],\"libc\":[\"glibc\"]}");
	struct json *lib = parse("{\"name\":\"w-lib\",\"version\":\"1.0.2\",\"os\":[\"linux\"],"
				 "\"cpu\":[\"x64\"]}");
	struct native n, member;
	char *names;

	native_read(whole, NULL, &n);
	CHECK(!native_is_one(&n));
	native_add_platform(&n, whole);
	CHECK(!native_is_one(&n));
	native_add_platform(&n, x64);
	native_add_platform(&n, lib);
	CHECK(native_is_one(&n));
	names = native_platforms_for(&n, target_find("linux-x64"));
	CHECK_STR(names, "w-x64@1.0.1, w-lib@1.0.2");
	free(names);
	names = native_platforms_for(&n, target_find("linuxmusl-x64"));
	CHECK_STR(names, "w-lib@1.0.2");
	free(names);
	CHECK(native_platforms_for(&n, target_find("linux-arm64")) == NULL);
	/* What such a package needs for its platform belongs to the whole. */
	native_read(x64, NULL, &member);
	native_add_platform(&member, lib);
	CHECK(!native_is_one(&member));
	native_fini(&member);
	native_fini(&n);
	json_free(whole);
	json_free(x64);
	json_free(lib);
}
