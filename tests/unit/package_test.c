#include "builder/model/package.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/err.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

TEST(names)
{
	static const char *const good[] = {
		"sqlite3",
		"better-sqlite3",
		"@mapbox/node-pre-gyp",
		"@a/b",
		"a",
		"0",
		"7zip-bin",
		"node.js",
		"a_b",
		"a..b",
		"lodash.get",
		"@discordjs/opus",
		"@serialport/bindings-cpp",
		"bcrypt",
		"x-",
		"x_",
		"x.",
		"@0/1",
		"@scope/a.b-c_d",
	};
	static const char *const bad[] = {
		"",
		" ",
		".",
		"..",
		"...",
		".hidden",
		"_private",
		"-rf",
		"--help",
		"A",
		"Sqlite3",
		"a b",
		"a/b",
		"a/",
		"/a",
		"/",
		"@",
		"@/",
		"@a",
		"@a/",
		"@/b",
		"@a/b/c",
		"@a//b",
		"@a/.b",
		"@a/_b",
		"@a/-b",
		"@.a/b",
		"@_a/b",
		"@-a/b",
		"@A/b",
		"@a/B",
		"@a@b/c",
		"a@1.0.0",
		"a@",
		"../a",
		"a/../b",
		"@../b",
		"@a/..",
		"a\\b",
		"a%2fb",
		"@a%2fb",
		"a?b",
		"a#b",
		"a:b",
		"a~b",
		"a!b",
		"a'b",
		"a(b",
		"a*b",
		"a\nb",
		"a\tb",
		"a\177b",
		"\xc3\xa9",
		"node_modules",
		"favicon.ico",
		"@a/node_modules",
		" a",
		"a ",
		"a\"b",
		"a;b",
		"a$b",
		"a`b",
		"a|b",
		"a&b",
		"a<b",
		"a+b",
		"a,b",
		"a=b",
	};
	char *longest = xmalloc(PACKAGE_NAME_MAX + 2);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_MSG(package_name_valid(good[i]), "\"%s\" was refused", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(!package_name_valid(bad[i]), "\"%s\" was accepted", bad[i]);
	memset(longest, 'a', PACKAGE_NAME_MAX + 1);
	longest[PACKAGE_NAME_MAX + 1] = '\0';
	CHECK(!package_name_valid(longest));
	longest[PACKAGE_NAME_MAX] = '\0';
	CHECK(package_name_valid(longest));
	free(longest);
}

TEST(versions)
{
	static const char *const good[] = {
		"0.0.0",
		"1.2.3",
		"6.0.1",
		"10.20.30",
		"1.0.0-rc.1",
		"5.1.7-rc.0",
		"1.0.0-alpha",
		"1.0.0-alpha.beta",
		"1.0.0-0",
		"1.0.0-0.3.7",
		"1.0.0-x.7.z.92",
		"1.0.0-x-y-z.--",
		"1.0.0--",
		"1.0.0-0a",
		"1.0.0-00a",
		"1.0.0+20130313144700",
		"1.0.0-beta+exp.sha.5114f85",
		"1.0.0+21AF26D3---117B344092BD",
		"1.0.0+001",
		"1.0.0-rc.1+build.5",
		"1.0.0+0.00",
		"9007199254740991.0.0",
		"20230101120000.0.0",
		"1.0.0-A.B",
	};
	static const char *const bad[] = {
		"",
		"1",
		"1.2",
		"1.2.3.4",
		"v1.2.3",
		"=1.2.3",
		"^1.2.3",
		"~1.2.3",
		">=1.2.3",
		"1.x.0",
		"1.2.*",
		"latest",
		"01.2.3",
		"1.02.3",
		"1.2.03",
		"00.0.0",
		"1.2.3-",
		"1.2.3+",
		"1.2.3-+b",
		"1.2.3-a+",
		"1.2.3-a..b",
		"1.2.3-.a",
		"1.2.3-a.",
		"1.2.3-01",
		"1.2.3-a.01",
		"1.2.3+a..b",
		"1.2.3+a+b",
		"1.2.3-a_b",
		"1.2.3 ",
		" 1.2.3",
		"1.2.3\n",
		"1.2.3-a b",
		"1 .2.3",
		"1.-2.3",
		"-1.2.3",
		"+1.2.3",
		"1..3",
		".1.2",
		"1.2.",
		"1.2.3/4",
		"1.2.3-a/b",
		"1.2.3-../x",
		"1.2.3-%2e",
		"1.2.3-\xc3\xa9",
		"9007199254740992.0.0",
		"99999999999999999999.0.0",
		"1.2.3 - 2.0.0",
		"1.2.3||2.0.0",
		"a.b.c",
		"0x1.0.0",
	};
	char *longest = xmalloc(PACKAGE_VERSION_MAX + 2);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_MSG(package_version_valid(good[i]), "\"%s\" was refused", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(!package_version_valid(bad[i]), "\"%s\" was accepted", bad[i]);
	memset(longest, 'a', PACKAGE_VERSION_MAX + 1);
	memcpy(longest, "1.0.0-", 6);
	longest[PACKAGE_VERSION_MAX + 1] = '\0';
	CHECK(!package_version_valid(longest));
	longest[PACKAGE_VERSION_MAX] = '\0';
	CHECK(package_version_valid(longest));
	free(longest);
}

TEST(base)
{
	CHECK_STR(package_base("sqlite3"), "sqlite3");
	CHECK_STR(package_base("@scope/name"), "name");
}

TEST(specs)
{
	static const struct {
		const char *spec, *name, *version;
	} good[] = {
		{"sqlite3@6.0.1", "sqlite3", "6.0.1"},
		{"@s/n@1.0.0", "@s/n", "1.0.0"},
		{"@mapbox/node-pre-gyp@2.0.3-rc.1+b.5", "@mapbox/node-pre-gyp", "2.0.3-rc.1+b.5"},
	};
	static const char *const bad[] = {
		"",
		"@",
		"@@",
		"sqlite3",
		"@s/n",
		"sqlite3@",
		"@1.0.0",
		"sqlite3@latest",
		"sqlite3@^1.0.0",
		"sqlite3@v1.0.0",
		"@s@1.0.0",
		"@s/@1.0.0",
		"a@b@1.0.0",
		"sqlite3@1.0.0@2.0.0",
		"sqlite3@1.0",
		"SQLite3@1.0.0",
		"sqlite3 @1.0.0",
		"../x@1.0.0",
		"a/b@1.0.0",
	};
	char name[PACKAGE_NAME_MAX + 1], version[PACKAGE_VERSION_MAX + 1];
	char *big = xmalloc(PACKAGE_NAME_MAX + 20);

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_INT(package_parse_spec(good[i].spec, name, version), 0);
		CHECK_STR(name, good[i].name);
		CHECK_STR(version, good[i].version);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(package_parse_spec(bad[i], name, version) == ERR_INVALID,
			  "\"%s\" was accepted", bad[i]);
	memset(big, 'a', PACKAGE_NAME_MAX + 1);
	strcpy(big + PACKAGE_NAME_MAX + 1, "@1.0.0");
	CHECK_INT(package_parse_spec(big, name, version), ERR_INVALID);
	CHECK_INT(package_parse_spec(big + 1, name, version), 0);
	free(big);
}
