#include "builder/model/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "api/routes/upstreams.h"
#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/target.h"
#include "tests/lib/test.h"

TEST(templates_that_are_some)
{
	static const char *const good[] = {
		"https://github.com/TryGhost/node-sqlite3/releases/download/v{version}/{file}",
		"https://mapbox-node-binary.s3.amazonaws.com/{name}/v{version}/{file}",
		"http://[::1]:8080/{package}/{version}/{abi}/{platform}-{arch}.tar.gz",
		"http://127.0.0.1:1/{file}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err e = {0};

		CHECK_MSG(upstream_check(good[i], &e) == 0, "%s: %s", good[i], e.msg);
	}
}

TEST(templates_that_are_none)
{
	static const struct {
		const char *template, *says;
	} cases[] = {
		{"", "http or https"},
		{"/releases/{version}/{file}", "http or https"},
		{"file:///srv/{version}/{file}", "http or https"},
		{"ftp://h/{version}/{file}", "http or https"},
		{"https:///{version}/{file}", "no URL"},
		{"https://host{version}", "no URL"},
		{"https://host", "no URL"},
		{"https://host/a b/{version}/{file}", "no URL"},
		{"https://host/{version}/{file}?token=x", "no URL"},
		{"https://host/{version}/{file}#x", "no URL"},
		{"https://host/\r\nX: {version}/{file}", "no URL"},
		{"https://joe:secret@host/{version}/{file}", "a user or a password"},
		{"https://{name}/{version}/{file}", "host"},
		{"https://host/{version}/{File}", "\"{File}\""},
		{"https://host/{version}/{file", "\"{file\""},
		{"https://host/}{version}/{file}", "\"}{version}"},
		{"https://host/{abi}-{platform}-{arch}.tar.gz", "{version}"},
		{"https://host/{version}/{platform}-{arch}.tar.gz", "every target"},
		{"https://host/{version}/{name}.tar.gz", "every target"},
	};
	struct buf longest = {0};
	struct err e = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		e = (struct err){0};
		CHECK_MSG(upstream_check(cases[i].template, &e) == ERR_INVALID, "%s",
			  cases[i].template);
		CHECK_MSG(strstr(e.msg, cases[i].says) != NULL, "%s: %s", cases[i].template, e.msg);
	}
	buf_adds(&longest, "https://host/{version}/{file}/");
	while (longest.len < UPSTREAM_TEMPLATE_MAX)
		buf_adds(&longest, "x");
	CHECK_INT(upstream_check(longest.data, NULL), 0);
	buf_adds(&longest, "x");
	CHECK_INT(upstream_check(longest.data, NULL), ERR_INVALID);
	buf_fini(&longest);
}

/* All of them on lines of their own. */
static char *
urls(const char *template, const char *package, const char *version, const char *abi,
     const char *target)
{
	struct strv list = {0};
	struct buf text = {0};
	struct abi a = {0};

	CHECK_INT(upstream_check(template, NULL), 0);
	CHECK_INT(abi_parse(abi, &a), 0);
	upstream_urls(template, package, version, a, target_find(target), &list);
	for (size_t i = 0; i < list.n; i++)
		buf_addf(&text, "%s\n", list.at[i]);
	strv_fini(&list);
	return buf_take(&text);
}

TEST(a_url_for_each_name_that_a_client_asks_for)
{
	char *text = urls("https://host/v{version}/{file}", "sqlite3", "6.0.1", "napi-v6",
			  "darwin-arm64");

	CHECK_STR(text, "https://host/v6.0.1/sqlite3-v6.0.1-napi-v6-darwin-arm64.tar.gz\n"
			"https://host/v6.0.1/napi-v6-darwin-unknown-arm64.tar.gz\n"
			"https://host/v6.0.1/napi-v6-darwin-arm64.tar.gz\n");
	free(text);
	/* node-pre-gyp's old names do not tell musl from glibc. */
	text = urls("https://host/v{version}/{file}", "better-sqlite3", "12.0.0", "electron-v133",
		    "linuxmusl-x64");
	CHECK_STR(text, "https://host/v12.0.0/better-sqlite3-v12.0.0-electron-v133-linuxmusl-x64"
			".tar.gz\n"
			"https://host/v12.0.0/electron-v133-linux-musl-x64.tar.gz\n");
	free(text);
	text = urls("https://host/v{version}/{file}", "bcrypt", "5.1.1", "napi-v3", "win32-x64");
	CHECK(strstr(text, "https://host/v5.1.1/bcrypt_lib-v5.1.1-napi-v3-win32-x64-unknown"
			   ".tar.gz\n") != NULL);
	free(text);
}

TEST(fields)
{
	char *text = urls("http://h/{package}/{name}/{version}/{abi}/{platform}/{arch}.tgz",
			  "@scope/addon", "1.0.0-rc.1+build.5", "node-v127", "win32-arm64");

	/* Without {file} all names are the same. */
	CHECK_STR(text,
		  "http://h/@scope/addon/addon/1.0.0-rc.1%2Bbuild.5/node-v127/win32/arm64.tgz\n");
	free(text);
	text = urls("http://h/{file}", "addon", "1.0.0+b", "napi-v6", "darwin-x64");
	CHECK_MSG(strncmp(text, "http://h/addon-v1.0.0%2Bb-napi-v6-darwin-x64.tar.gz\n", 51) == 0,
		  "%s", text);
	free(text);
}

TEST(one_for_a_package)
{
	static const char *const given[] = {"sqlite3=https://host/{version}/{file}",
					    "@s/a=http://other/{file}"};
	static const char *const wrong[] = {"sqlite3", "sqlite3=", "=https://host/{file}",
					    "Sqlite3=https://host/{file}",
					    "sqlite3=https://host/{file}"};
	struct upstreams *u = NULL;
	struct err e = {0};

	CHECK_MSG(upstreams_open(given, 2, &u, &e) == 0, "%s", e.msg);
	CHECK_STR(upstreams_find(u, "sqlite3"), "https://host/{version}/{file}");
	CHECK_STR(upstreams_find(u, "@s/a"), "http://other/{file}");
	CHECK(upstreams_find(u, "a") == NULL);
	upstreams_free(u);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *const two[] = {given[0], wrong[i]};

		e = (struct err){0};
		CHECK_MSG(upstreams_open(two, 2, &u, &e) < 0, "%s", wrong[i]);
		CHECK_INT(err_exit(e.code), 2);
	}
}
