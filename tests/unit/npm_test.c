#include "builder/engine/npm.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

/* What npm 10 prints. */
static const char refused[] =
	"npm error code ECONNREFUSED\nnpm error syscall connect\n"
	"npm error FetchError: request to http://localhost:40627/a.tgz?b failed, reason: connect "
	"ECONNREFUSED 127.255.255.254:1\nnpm error     at ClientRequest.<anonymous>\n";
static const char busy[] =
	"npm error code ECONNREFUSED\n"
	"npm error FetchError: request to http://127.0.0.1:4873/a failed, reason: connect "
	"ECONNREFUSED 127.0.0.1:4873\n";

static struct buf
output(const char *text)
{
	struct buf b = {0};

	if (text[0] != '\0')
		buf_adds(&b, text);
	return b;
}

TEST(what_npm_says)
{
	static const struct {
		const char *text, *error, *elsewhere;
		bool none;
	} cases[] = {
		{refused, "npm error code ECONNREFUSED", "http://localhost:40627/a.tgz?b", false},
		{"ECONNREFUSED 127.255.255.254:1", "", "elsewhere", false},
		{busy, "npm error code ECONNREFUSED", "", false},
		{"npm error code ETARGET\n", "npm error code ETARGET", "", true},
		{"added 1 package\n", "", "", false},
		{"", "", "", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b = output(cases[i].text);
		char *error = npm_error(&b), *elsewhere = npm_wanted_elsewhere(&b);

		CHECK_STR(error != NULL ? error : "", cases[i].error);
		CHECK_STR(elsewhere != NULL ? elsewhere : "", cases[i].elsewhere);
		CHECK(npm_found_none(&b) == cases[i].none);
		free(error);
		free(elsewhere);
		buf_fini(&b);
	}
}

TEST(whom_npm_may_ask)
{
	static const char *const environments[] = {"HOME=/tmp", "https_proxy=http://p:1",
						   "HTTP_PROXY=http://p:1"};
	struct strv env = {0}, argv = {0};

	for (size_t i = 0; i < sizeof environments / sizeof environments[0]; i++) {
		strv_add(&env, environments[i]);
		npm_install("http://r:1", "r,cdn", "2024-01-01T00:00:00Z", &env, &argv);
		CHECK(strv_has(&argv, "--registry=http://r:1"));
		CHECK(strv_has(&argv, "--ignore-scripts"));
		CHECK(strv_has(&argv, "--before=2024-01-01T00:00:00Z"));
		CHECK(strv_has(&argv, "--noproxy=r,cdn") == (i == 0));
		CHECK(strv_has(&argv, "--https-proxy=http://127.255.255.254:1") == (i == 0));
		strv_fini(&argv);
		strv_fini(&env);
	}
	npm_install("http://r:1", NULL, "", &env, &argv);
	CHECK(!strv_has(&argv, "--proxy=http://127.255.255.254:1") &&
	      !strv_has(&argv, "--before="));
	strv_fini(&argv);
}
