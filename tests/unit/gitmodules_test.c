#include "builder/source/gitmodules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* The URL of the submodule at "p", or the error's name. */
static const char *
url_of(const char *text)
{
	static char out[200];
	struct err e = {0};
	char *copy = xstrndup(text, strlen(text)), *url;

	url = gitmodules_url(copy, strlen(copy), "p", &e);
	snprintf(out, sizeof out, "%s", url != NULL ? url : err_name(e.code));
	free(url);
	free(copy);
	return out;
}

TEST(what_git_reads)
{
	CHECK_STR(url_of("[submodule \"a\"]\n\tpath = p\n\turl = u\n"), "u");
	CHECK_STR(url_of("[submodule \"a\"]\r\n\turl=u\r\n\tpath=p\r\n"), "u");
	CHECK_STR(url_of("[submodule \"a\"]path=p\nurl=u"), "u");
	CHECK_STR(url_of("# c\n; c\n[SubModule \"a\"]\nPath = p ; c\nURL = \"u # v\" # c\n"),
		  "u # v");
	CHECK_STR(url_of("[submodule \"]a\\\"\"]\npath = p\nurl = u\\\\v\n"), "u\\v");
	CHECK_STR(
		url_of("[submodule \"a\"]\npath = p\nurl = u\n[submodule \"b\"]\npath = p\nurl = v\n"),
		"v");
	CHECK_STR(url_of("[submodule \"a\"]\npath = p\nshallow\nurl = u\n"), "u");
}

TEST(what_has_no_meaning_here)
{
	CHECK_STR(url_of(""), "not-found");
	CHECK_STR(url_of("[submodule \"a\"]\npath = q\nurl = u\n"), "not-found");
	CHECK_STR(url_of("[submodule \"a\"]\npath = p\n"), "not-found");
	CHECK_STR(url_of("[include]\npath = p\nurl = u\n"), "not-found");
	CHECK_STR(url_of("[submodule \"a\"]\npath = p\n[core]\nurl = u\n"), "not-found");
}

TEST(what_cannot_be_read)
{
	static const char *const bad[] = {
		"= u\n",
		"[submodule",
		"[submodule \"a\n]\npath = p\nurl = u\n",
		"[submodule \"a\"]\npath = p\nurl = \"u\n",
		"[submodule \"a\"]\npath = p\nurl = u\\n\n",
		"[submodule \"a\"]\npath = p\nurl = u\\\n",
		"[submodule \"a\"]\npath = p\nurl = u\x01\n",
		"[submodule \"a\"]\npath = p\nurl\n",
	};
	struct err e = {0};
	char *large;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(strcmp(url_of(bad[i]), "malformed") == 0, "%s: %s", bad[i],
			  url_of(bad[i]));
	CHECK(gitmodules_url("[submodule \"a\"]\0", 16, "p", &e) == NULL &&
	      e.code == ERR_MALFORMED);
	large = xcalloc(1, GITMODULES_MAX + 1);
	memset(large, '\n', GITMODULES_MAX + 1);
	CHECK(gitmodules_url(large, GITMODULES_MAX + 1, "p", NULL) == NULL);
	free(large);
}

static const char *
resolved(const char *base, const char *url)
{
	static char out[200];
	char *to = gitmodules_resolve(base, url);

	snprintf(out, sizeof out, "%s", to != NULL ? to : "-");
	free(to);
	return out;
}

TEST(relative_urls)
{
	CHECK_STR(resolved("https://h/a/b.git", "https://i/c"), "https://i/c");
	CHECK_STR(resolved("https://h/a/b.git", "../c.git"), "https://h/a/c.git");
	CHECK_STR(resolved("https://h/a/b.git/", "../c.git"), "https://h/a/c.git");
	CHECK_STR(resolved("https://h/a/b.git", "../../c.git"), "https://h/c.git");
	CHECK_STR(resolved("https://h/a/b.git", "./c.git"), "https://h/a/b.git/c.git");
	CHECK_STR(resolved("https://h/a/b.git", "./../c.git"), "https://h/a/c.git");
	CHECK_STR(resolved("https://h/a/b.git", "../../../c.git"), "-");
	CHECK_STR(resolved("https://h", "../c.git"), "-");
	CHECK_STR(resolved("https://h/a", "/c.git"), "/c.git");
}
