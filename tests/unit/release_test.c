#include "api/registry/release.h"

#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

TEST(names_are_read_as_they_are_made)
{
	static const struct {
		const char *name, *package, *target;
	} rows[] = {
		{"@prebuildd/sqlite3", "sqlite3", NULL},
		{"@prebuildd/sqlite3-linux-x64", "sqlite3", "x86_64-linux-gnu"},
		{"@prebuildd/sqlite3-linux-arm64", "sqlite3", "aarch64-linux-gnu"},
		{"@prebuildd/sqlite3-linux-arm", "sqlite3", "arm-linux-gnueabihf"},
		{"@prebuildd/sqlite3-linuxmusl-x64", "sqlite3", "x86_64-linux-musl"},
		{"@prebuildd/sqlite3-win32-x64", "sqlite3", "x86_64-w64-mingw32"},
		{"@prebuildd/better-sqlite3-darwin-arm64", "better-sqlite3",
		 "aarch64-apple-darwin"},
		{"@prebuildd/journeyapps__sqlcipher", "@journeyapps/sqlcipher", NULL},
		{"@prebuildd/journeyapps__sqlcipher-linux-x64", "@journeyapps/sqlcipher",
		 "x86_64-linux-gnu"},
		{"@prebuildd/sqlite3-sunos-x64", "sqlite3-sunos-x64", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf again = {0};
		struct release r;

		CHECK_INT(release_parse(rows[i].name, &r), 0);
		CHECK_STR(r.package, rows[i].package);
		CHECK_STR(r.target != NULL ? r.target->triple : "",
			  rows[i].target != NULL ? rows[i].target : "");
		release_name(r.package, r.target, &again);
		CHECK_STR(again.data, rows[i].name);
		buf_fini(&again);
	}
}

TEST(what_is_no_name_here_is_refused)
{
	static const char *const names[] = {
		"sqlite3",        "@other/sqlite3",     "@prebuildd/",           "@prebuildd/a/b",
		"@prebuildd/..",  "@prebuildd/SQLITE3", "@prebuildd/-linux-x64", "@prebuildd/__",
		"@prebuildd/a__", "@prebuildd/__a",
	};
	struct release r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_MSG(release_parse(names[i], &r) != 0, "%s is taken for %s", names[i],
			  r.package);
}

TEST(versions_of_targets_lie_in_their_range)
{
	struct buf version = {0}, range = {0};

	release_version("6.0.1", 0, &version);
	CHECK_STR(version.data, "6.0.1-0");
	release_range("6.0.1", &range);
	CHECK_STR(range.data, ">=6.0.1-0 <=6.0.1-999999");
	buf_fini(&version);
	buf_fini(&range);
	release_version("7.0.0-beta.1", 12, &version);
	CHECK_STR(version.data, "7.0.0-beta.1.12");
	release_range("7.0.0-beta.1", &range);
	CHECK_STR(range.data, ">=7.0.0-beta.1.0 <=7.0.0-beta.1.999999");
	buf_fini(&version);
	buf_fini(&range);
}

/* In order, the rule of semver.org, and what else it says about equal ones. */
TEST(versions_are_ordered_as_semver_does)
{
	static const char *const order[] = {
		"0.9.9",
		"1.0.0-0",
		"1.0.0-1",
		"1.0.0-12",
		"1.0.0-alpha",
		"1.0.0-alpha.1",
		"1.0.0-alpha.beta",
		"1.0.0-beta",
		"1.0.0-beta.2",
		"1.0.0-beta.11",
		"1.0.0-rc.1",
		"1.0.0-rc.1.0",
		"1.0.0",
		"1.0.1",
		"1.2.0",
		"1.10.0",
		"2.0.0",
		"10.0.0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			int have = release_compare(order[i], order[j]);

			CHECK_MSG((have > 0) - (have < 0) == (i > j) - (i < j), "%s and %s: %d",
				  order[i], order[j], have);
		}
	}
	CHECK_INT(release_compare("1.0.0+a", "1.0.0+b"), 0);
	CHECK_INT(release_compare("1.0.0-1+a", "1.0.0-1"), 0);
}
