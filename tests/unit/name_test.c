#include "builder/model/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* What upstream's release workflows build and clients ask for, see prebuild-install's default
 * template; process.platform with the C library, and process.arch. */
static const struct {
	const char *platform, *arch;
} places[] = {
	{"linux", "x64"},         {"linux", "arm64"},     {"linux", "arm"},
	{"linux", "ia32"},        {"linux", "ppc64"},     {"linux", "s390x"},
	{"linux", "riscv64"},     {"linux", "loong64"},   {"linux", "mips64el"},
	{"linuxmusl", "x64"},     {"linuxmusl", "arm64"}, {"linuxmusl", "arm"},
	{"darwin", "x64"},        {"darwin", "arm64"},    {"win32", "x64"},
	{"win32", "ia32"},        {"win32", "arm64"},     {"freebsd", "x64"},
	{"android", "arm64"},     {"aix", "ppc64"},       {"sunos", "x64"},
	{"openharmony", "arm64"},
};

static const struct {
	const char *package, *base, *version, *abi;
} builds[] = {
	{"sqlite3", "sqlite3", "5.1.7-rc.0", "napi-v3"},
	{"sqlite3", "sqlite3", "5.1.7", "napi-v3"},
	{"sqlite3", "sqlite3", "5.1.7", "napi-v6"},
	{"sqlite3", "sqlite3", "6.0.1", "napi-v6"},
	{"better-sqlite3", "better-sqlite3", "7.4.5", "node-v93"},
	{"better-sqlite3", "better-sqlite3", "8.7.0", "node-v108"},
	{"better-sqlite3", "better-sqlite3", "9.6.0", "node-v120"},
	{"better-sqlite3", "better-sqlite3", "11.10.0", "node-v127"},
	{"better-sqlite3", "better-sqlite3", "12.4.6", "electron-v136"},
	{"better-sqlite3", "better-sqlite3", "12.11.1", "node-v141"},
	{"better-sqlite3", "better-sqlite3", "12.11.1", "electron-v145"},
	{"sharp", "sharp", "0.32.6", "napi-v7"},
	{"@discordjs/opus", "opus", "0.9.0", "node-v115"},
	{"@a/b", "b", "1.0.0-rc.1+build.5", "napi-v10"},
	{"canvas", "canvas", "3.0.0-rc3", "napi-v7"},
	{"x-v1.0.0", "x-v1.0.0", "1.0.0-node-v1", "node-v127"},
};

TEST(round_trips)
{
	size_t count = 0, ours = 0;

	for (size_t i = 0; i < ARRAY_SIZE(builds); i++)
		for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
			char file[400], path[700], abi[ABI_TEXT_SIZE];
			struct buf out = {0};
			struct name n;

			snprintf(file, sizeof file, "%s-v%s-%s-%s-%s.tar.gz", builds[i].base,
				 builds[i].version, builds[i].abi, places[k].platform,
				 places[k].arch);
			snprintf(path, sizeof path, "/prebuilds/%s/v%s/%s", builds[i].package,
				 builds[i].version, file);
			count++;
			if (!CHECK_MSG(name_parse(builds[i].package, builds[i].version, file, &n) ==
					       0,
				       "%s was refused", file))
				continue;
			CHECK_INT(n.layout, NAME_PREBUILD_INSTALL);
			CHECK_STR(n.package, builds[i].package);
			CHECK_STR(n.version, builds[i].version);
			abi_text(n.abi, abi);
			CHECK_STR(abi, builds[i].abi);
			CHECK_STR(n.platform, places[k].platform);
			CHECK_STR(n.arch, places[k].arch);
			CHECK(n.target == target_from_node(places[k].platform, places[k].arch));
			ours += n.target != NULL;
			name_file(&n, &out);
			CHECK_STR(out.data, file);
			out.len = 0;
			name_path(&n, &out);
			CHECK_STR(out.data, path);
			buf_fini(&out);
		}
	CHECK(count >= 300);
	CHECK(ours > 0 && ours < count);
}

/* What node-pre-gyp asks for, and where in the tarball it looks: real names of sqlite3's releases and
 * of others, from their package.json's binary.package_name and module_path. */
TEST(other_clients)
{
	static const struct {
		const char *package, *version, *file;
		enum name_layout layout;
		const char *triple, *addon, *inside;
	} cases[] = {
		{"sqlite3", "4.2.0", "node-v72-linux-x64.tar.gz", NAME_PRE_GYP, "x86_64-linux-gnu",
		 "node_sqlite3.node", "node-v72-linux-x64/node_sqlite3.node"},
		{"sqlite3", "4.2.0", "electron-v6.1-linux-x64.tar.gz", NAME_PRE_GYP,
		 "x86_64-linux-gnu", "node_sqlite3.node",
		 "electron-v6.1-linux-x64/node_sqlite3.node"},
		{"sqlite3", "4.2.0", "node-v72-win32-ia32.tar.gz", NAME_PRE_GYP, NULL, "a.node",
		 "node-v72-win32-ia32/a.node"},
		{"sqlite3", "5.0.2", "napi-v3-linux-arm64.tar.gz", NAME_PRE_GYP,
		 "aarch64-linux-gnu", "node_sqlite3.node", "napi-v3-linux-arm64/node_sqlite3.node"},
		{"sqlite3", "5.1.6", "napi-v6-linux-glibc-x64.tar.gz", NAME_PRE_GYP_LIBC,
		 "x86_64-linux-gnu", "node_sqlite3.node",
		 "napi-v6-linux-glibc-x64/node_sqlite3.node"},
		{"sqlite3", "5.1.6", "napi-v6-linux-musl-arm64.tar.gz", NAME_PRE_GYP_LIBC,
		 "aarch64-linux-musl", "node_sqlite3.node",
		 "napi-v6-linux-musl-arm64/node_sqlite3.node"},
		{"sqlite3", "5.1.6", "napi-v6-darwin-unknown-arm64.tar.gz", NAME_PRE_GYP_LIBC, NULL,
		 "node_sqlite3.node", "napi-v6-darwin-unknown-arm64/node_sqlite3.node"},
		{"sqlite3", "5.1.6", "electron-v33.0-linux-glibc-x64.tar.gz", NAME_PRE_GYP_LIBC,
		 "x86_64-linux-gnu", "a.node", "electron-v33.0-linux-glibc-x64/a.node"},
		{"sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-linux-arm.tar.gz",
		 NAME_PREBUILD_INSTALL, "arm-linux-gnueabihf", "node_sqlite3.node",
		 "build/Release/node_sqlite3.node"},
		{"sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-linuxmusl-x64.prebuildify.tar.gz",
		 NAME_PREBUILDIFY, "x86_64-linux-musl", "node_sqlite3.node",
		 "prebuilds/linux-x64/sqlite3.napi.musl.node"},
		{"bcrypt", "5.1.1", "bcrypt_lib-v5.1.1-napi-v3-linux-x64-musl.tar.gz",
		 NAME_MODULE_ARCH_LIBC, "x86_64-linux-musl", "bcrypt_lib.node",
		 "bcrypt_lib/bcrypt_lib.node"},
		{"canvas", "2.11.2", "canvas-v2.11.2-node-v115-linux-glibc-x64.tar.gz",
		 NAME_MODULE_LIBC_ARCH, "x86_64-linux-gnu", "canvas.node", "canvas/canvas.node"},
		{"bcrypt", "5.0.0", "bcrypt_lib-v5.0.0-napi-v3-linux-x64.tar.gz", NAME_MODULE,
		 "x86_64-linux-gnu", "bcrypt_lib.node", "bcrypt_lib/bcrypt_lib.node"},
		{"better-sqlite3", "13.2.0",
		 "better-sqlite3-v13.2.0-napi-v10-linuxmusl-arm64.in-package.tar.gz",
		 NAME_IN_PACKAGE, "aarch64-linux-musl", "better_sqlite3.node",
		 "prebuilds/linuxmusl-arm64.node"},
		{"@a/b", "1.0.0", "b-v1.0.0-node-v115-linux-x64.prebuildify.tar.gz",
		 NAME_PREBUILDIFY, "x86_64-linux-gnu", "b.node",
		 "prebuilds/linux-x64/@a+b.node.abi115.glibc.node"},
		{"sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-win32-x64.tar.gz",
		 NAME_PREBUILD_INSTALL, "x86_64-w64-mingw32", "node_sqlite3.node",
		 "build/Release/node_sqlite3.node"},
		{"sqlite3", "5.1.6", "napi-v6-win32-unknown-x64.tar.gz", NAME_PRE_GYP_LIBC,
		 "x86_64-w64-mingw32", "node_sqlite3.node",
		 "napi-v6-win32-unknown-x64/node_sqlite3.node"},
		{"sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-win32-x64.prebuildify.tar.gz",
		 NAME_PREBUILDIFY, "x86_64-w64-mingw32", "node_sqlite3.node",
		 "prebuilds/win32-x64/sqlite3.napi.node"},
		{"sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-linux-ia32.node", NAME_RAW,
		 "i686-linux-gnu", NULL, NULL},
	};
	static const char *const bad[] = {
		"napi-v6-linuxmusl-x64.tar.gz",      "napi-v6-linux-unknown-x64.tar.gz",
		"napi-v6-darwin-glibc-arm64.tar.gz", "napi-v6.0-linux-x64.tar.gz",
		"electron-v33.-linux-x64.tar.gz",    "electron-v33.1.2-linux-x64.tar.gz",
		"napi-v6-linux-glibc-x64-.tar.gz",   "linux-glibc-x64.tar.gz",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = {0};
		struct name n;

		if (!CHECK_MSG(name_parse(cases[i].package, cases[i].version, cases[i].file, &n) ==
				       0,
			       "%s was refused", cases[i].file))
			continue;
		CHECK_INT(n.layout, cases[i].layout);
		CHECK(cases[i].triple != NULL
			      ? n.target != NULL && strcmp(n.target->triple, cases[i].triple) == 0
			      : n.target == target_from_node(n.platform, n.arch));
		name_file(&n, &out);
		CHECK_STR(out.data, cases[i].file);
		CHECK_INT(name_is_raw(n.layout), cases[i].inside == NULL);
		out.len = 0;
		if (cases[i].inside != NULL) {
			name_addon_path(&n, cases[i].addon, &out);
			CHECK_STR(out.data, cases[i].inside);
		}
		buf_fini(&out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct name n;

		CHECK_MSG(name_parse("sqlite3", "5.1.6", bad[i], &n) != 0, "%s was taken", bad[i]);
	}
}

/* Every target has a name in every layout, but musl in those that cannot tell it. */
TEST(names_of_targets)
{
	for (size_t i = 0; i < target_count(); i++)
		for (int layout = 0; layout < NAME_LAYOUT_COUNT; layout++) {
			const struct target *t = target_at(i);
			struct buf file = {0};
			struct name n, again;

			if (!name_of((enum name_layout)layout, "bcrypt", "1.0.0",
				     (struct abi){ABI_NAPI, 6}, t, &n)) {
				CHECK(layout == NAME_PRE_GYP || layout == NAME_MODULE);
				CHECK(t->libc == LIBC_MUSL);
				continue;
			}
			name_file(&n, &file);
			CHECK_INT(name_parse("bcrypt", "1.0.0", file.data, &again), 0);
			CHECK_INT(again.layout, layout);
			CHECK(again.target == t);
			CHECK_INT(name_layout_parse(name_layout_text(n.layout)), layout);
			buf_fini(&file);
		}
	CHECK_INT(name_layout_parse("tarball"), NAME_LAYOUT_COUNT);
}

/* Only packages that are known for it are asked for by their module's name. */
TEST(names_of_modules)
{
	const struct target *t = target_find("x86_64-linux-gnu");
	const struct target *musl = target_find("x86_64-linux-musl");
	struct abi abi = {ABI_NAPI, 3};
	struct name n;

	CHECK(!name_of(NAME_MODULE_LIBC_ARCH, "sqlite3", "1.0.0", abi, t, &n));
	CHECK(name_of(NAME_MODULE_LIBC_ARCH, "canvas", "1.0.0", abi, t, &n));
	CHECK(!name_of(NAME_MODULE, "canvas", "1.0.0", abi, t, &n));
	CHECK(name_of(NAME_MODULE, "bcrypt", "1.0.0", abi, t, &n));
	CHECK(!name_of(NAME_MODULE, "bcrypt", "1.0.0", abi, musl, &n));
	CHECK(name_parse("bcrypt", "5.1.1", "other-v5.1.1-napi-v3-linux-x64-glibc.tar.gz", &n) !=
	      0);
}

TEST(targets)
{
	struct name n;

	CHECK_INT(name_parse("sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz", &n), 0);
	CHECK(n.target != NULL && strcmp(n.target->triple, "x86_64-linux-gnu") == 0);
	CHECK_INT(name_parse("sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-linux-arm64.tar.gz", &n),
		  0);
	CHECK(n.target != NULL && strcmp(n.target->triple, "aarch64-linux-gnu") == 0);
	CHECK_INT(name_parse("sqlite3", "6.0.1", "sqlite3-v6.0.1-napi-v6-aix-ppc64.tar.gz", &n), 0);
	CHECK(n.target == NULL);
	CHECK_STR(n.platform, "aix");
	CHECK_STR(n.arch, "ppc64");
	/* Every target has a name that leads back to it. */
	CHECK(target_count() > 0);
	for (size_t i = 0; i < target_count(); i++) {
		const struct target *t = target_at(i);
		struct buf file = {0};
		struct name m = {.package = "sqlite3", .version = "6.0.1"};

		m.abi = (struct abi){ABI_NAPI, 6};
		snprintf(m.platform, sizeof m.platform, "%s", t->node_platform);
		snprintf(m.arch, sizeof m.arch, "%s", t->node_arch);
		name_file(&m, &file);
		CHECK_MSG(name_parse("sqlite3", "6.0.1", file.data, &n) == 0, "%s", file.data);
		CHECK(n.target == target_from_node(t->node_platform, t->node_arch));
		buf_fini(&file);
	}
}

TEST(near_misses)
{
	static const char *const bad[] = {
		"",
		".tar.gz",
		"sqlite3",
		"sqlite3-v6.0.1.tar.gz",
		"sqlite3-v6.0.1-napi-v6.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux.tar.gz",
		"sqlite3-v6.0.1-napi-v6-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tgz",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar.xz",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz ",
		" sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz.sha256",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz/",
		"/sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"../sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64.TAR.GZ",
		"sqlite3-v6.0.1-napi-v6-linux-x64-tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64_tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64xtar.gz",
		"SQLITE3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite-v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite33-v6.0.1-napi-v6-linux-x64.tar.gz",
		"better-sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"@scope/sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-V6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3--v6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-vv6.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.0-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.10-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0-napi-v6-linux-x64.tar.gz",
		"sqlite3-v06.0.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-rc.1-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1+b-napi-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v0-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v06-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v11-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6.1-linux-x64.tar.gz",
		"sqlite3-v6.0.1-NAPI-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6--linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi--v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-node-v-linux-x64.tar.gz",
		"sqlite3-v6.0.1-node-v127x-linux-x64.tar.gz",
		"sqlite3-v6.0.1-node-v99999-linux-x64.tar.gz",
		"sqlite3-v6.0.1-node-webkit-v121-linux-x64.tar.gz",
		"sqlite3-v6.0.1-deno-v2-linux-x64.tar.gz",
		"sqlite3-v6.0.1-bun-v1-linux-x64.tar.gz",
		"sqlite3-v6.0.1-electron-v6.1-linux-x64.tar.gz",
		"sqlite3-v6.0.1-v6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-6-linux-x64.tar.gz",
		"sqlite3-v6.0.1-undefined-vundefined-linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-Linux-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-X64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux--x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64-.tar.gz",
		"sqlite3-v6.0.1-napi-v6--x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64-musl.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-musl-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-glibc-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linuxglibc-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-musl-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-darwinmusl-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-macos-arm64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-windows-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-win64-x64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-armv6.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-armv7.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-armv7l.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-armv8.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-armhf.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-aarch64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x86_64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-amd64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x86.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x32.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-ppc64le.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-universal.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64+arm64.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64\n.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-x64%00.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-\xc3\xa9.tar.gz",
		"sqlite3-v6.0.1-napi-v6-linux-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.tar.gz",
		"sqlite3-v6.0.1-napi-v6-{platform}{libc}-{arch}.tar.gz",
		"sqlite3-v6.0.1-napi-v6-x64-linux.tar.gz",
		"sqlite3-v6.0.1-linux-x64-napi-v6.tar.gz",
		"{name}-v{version}-{abi}-{platform}-{arch}.tar.gz",
	};
	struct name n;

	CHECK(ARRAY_SIZE(bad) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(name_parse("sqlite3", "6.0.1", bad[i], &n) == ERR_INVALID,
			  "\"%s\" was accepted", bad[i]);
}

TEST(package_and_version_must_be_good_and_the_same)
{
	static const char file[] = "sqlite3-v6.0.1-napi-v6-linux-x64.tar.gz";
	struct name n;

	CHECK_INT(name_parse("sqlite3", "6.0.1", file, &n), 0);
	CHECK_INT(name_parse("@scope/sqlite3", "6.0.1", file, &n), 0);
	CHECK_STR(n.package, "@scope/sqlite3");
	CHECK_INT(name_parse("@scope/sqlite", "6.0.1", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("sqlite", "6.0.1", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("sqlite3", "6.0.2", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("sqlite3", "v6.0.1", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("sqlite3", "6.0", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("Sqlite3", "6.0.1", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("../sqlite3", "6.0.1", file, &n), ERR_INVALID);
	CHECK_INT(name_parse("", "6.0.1", "-v6.0.1-napi-v6-linux-x64.tar.gz", &n), ERR_INVALID);
	CHECK_INT(name_parse("sqlite3", "", "sqlite3-v-napi-v6-linux-x64.tar.gz", &n), ERR_INVALID);
	/* The version is taken whole: what looks like an ABI inside it is none. */
	CHECK_INT(name_parse("a", "1.0.0-napi-v3", "a-v1.0.0-napi-v3-napi-v6-linux-x64.tar.gz", &n),
		  0);
	CHECK_INT(n.abi.version, 6);
	CHECK_INT(name_parse("a", "1.0.0", "a-v1.0.0-napi-v3-napi-v6-linux-x64.tar.gz", &n),
		  ERR_INVALID);
}
