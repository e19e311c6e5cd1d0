#include <stdlib.h>
#include <string.h>

#include "api/http/router.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static const struct http_route table[] = {
	{.method = "GET", .pattern = "/"},
	{.method = "GET", .pattern = "/v1/builds/{id}"},
	{.method = "DELETE", .pattern = "/v1/builds/{id}"},
	{.method = "POST", .pattern = "/v1/builds"},
	{.method = "GET", .pattern = "/v1/builds/{id}/events"},
	{.method = "GET", .pattern = "/prebuilds/@{scope}/{name}/v{version}/{file}"},
	{.method = "GET", .pattern = "/prebuilds/{package}/v{version}/{file}"},
	{.method = "PUT", .pattern = "/publish/{package}/v{version}/{file}"},
	{.method = "GET", .pattern = "/sums/{name}.sha256"},
	{.method = "GET", .pattern = "/tree/{path*}"},
	{.method = "GET", .pattern = "/first/{x}"},
	{.method = "GET", .pattern = "/first/literal"},
	{.method = "HEAD", .pattern = "/own"},
	{.method = "PUT", .pattern = "/own"},
};

/* pattern: NULL for none; then allow is what a 405 says, "" for a 404. */
static const struct {
	enum http_method method;
	const char *path;
	const char *pattern;
	const char *params; /* "name=value …" */
	const char *allow;
} cases[] = {
	{METHOD_GET, "/", "/", "", ""},
	{METHOD_GET, "/v1/builds/7", "/v1/builds/{id}", "id=7", ""},
	{METHOD_HEAD, "/v1/builds/7", "/v1/builds/{id}", "id=7", ""},
	{METHOD_DELETE, "/v1/builds/a b", "/v1/builds/{id}", "id=a b", ""},
	{METHOD_GET, "/v1/builds/7/events", "/v1/builds/{id}/events", "id=7", ""},
	{METHOD_GET, "/v1/builds/", NULL, "", ""},
	{METHOD_GET, "/v1/builds", NULL, "", "POST"},
	{METHOD_PUT, "/v1/builds/7", NULL, "", "GET, HEAD, DELETE"},
	{METHOD_PATCH, "/v1/builds/7", NULL, "", "GET, HEAD, DELETE"},
	{METHOD_POST, "/", NULL, "", "GET, HEAD"},
	{METHOD_GET, "/v1", NULL, "", ""},
	{METHOD_GET, "/v1/builds/7/", NULL, "", ""},
	{METHOD_GET, "/v1/builds/7/event", NULL, "", ""},
	{METHOD_GET, "/prebuilds/sqlite3/v6.0.1/f.tar.gz", "/prebuilds/{package}/v{version}/{file}",
	 "package=sqlite3 version=6.0.1 file=f.tar.gz", ""},
	{METHOD_GET, "/prebuilds/@s/n/v1/f", "/prebuilds/@{scope}/{name}/v{version}/{file}",
	 "scope=s name=n version=1 file=f", ""},
	{METHOD_GET, "/prebuilds/@/n/v1/f", NULL, "", ""},
	{METHOD_GET, "/prebuilds/sqlite3/v/f", NULL, "", ""},
	{METHOD_GET, "/prebuilds/sqlite3/6.0.1/f", NULL, "", ""},
	{METHOD_GET, "/publish/a/v1/f", NULL, "", "PUT"},
	{METHOD_GET, "/sums/f.tar.gz.sha256", "/sums/{name}.sha256", "name=f.tar.gz", ""},
	{METHOD_GET, "/sums/.sha256", NULL, "", ""},
	{METHOD_GET, "/sums/f.sha25", NULL, "", ""},
	{METHOD_GET, "/tree/a", "/tree/{path*}", "path=a", ""},
	{METHOD_GET, "/tree/a/b/c.js", "/tree/{path*}", "path=a/b/c.js", ""},
	{METHOD_GET, "/tree/", NULL, "", ""},
	{METHOD_GET, "/tree", NULL, "", ""},
	{METHOD_GET, "/first/literal", "/first/{x}", "x=literal", ""},
	{METHOD_HEAD, "/own", "/own", "", ""},
	{METHOD_GET, "/own", NULL, "", "HEAD, PUT"},
	{METHOD_GET, "/OWN", NULL, "", ""},
};

TEST(router_matches)
{
	struct http_router *r = NULL;
	struct http_match m = {0};
	struct err e = {0};

	CHECK_INT(http_router_open(table, ARRAY_SIZE(table), &r, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf allow = {0};
		bool found = http_router_match(r, cases[i].method, cases[i].path, &m);
		char *wanted = xstrdup(cases[i].params), *at = wanted, *one;

		CHECK_MSG(found == (cases[i].pattern != NULL), "%s: found %d", cases[i].path,
			  found);
		CHECK_STR(found ? m.route->pattern : NULL, cases[i].pattern);
		while ((one = strsep(&at, "=")) != NULL && at != NULL) {
			/* A value runs to the space before the next "name=". */
			char *value = at, *next = strchr(value, '=');

			if (next != NULL) {
				while (*next != ' ')
					next--;
				*next = '\0';
				at = next + 1;
			} else {
				at = NULL;
			}
			CHECK_STR(http_match_param(&m, one), value);
		}
		CHECK_STR(http_match_param(&m, "nosuch"), NULL);
		if (!found)
			http_match_allow(&m, &allow);
		buf_add(&allow, "", 0);
		CHECK_STR(allow.data, cases[i].allow);
		buf_fini(&allow);
		free(wanted);
	}
	http_match_fini(&m);
	http_router_close(r);
}

TEST(router_refuses_bad_tables)
{
	static const struct http_route bad[] = {
		{.method = "GET", .pattern = "no-slash"},
		{.method = "GET", .pattern = ""},
		{.method = "BREW", .pattern = "/"},
		{.method = "GET", .pattern = "/{open"},
		{.method = "GET", .pattern = "/close}"},
		{.method = "GET", .pattern = "/{}"},
		{.method = "GET", .pattern = "/{*}"},
		{.method = "GET", .pattern = "/{a}{b}"},
		{.method = "GET", .pattern = "/{rest*}/more"},
		{.method = "GET", .pattern = "/{rest*}.js"},
		{.method = "GET", .pattern = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"},
		{.method = "GET", .pattern = "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct http_router *r = NULL;
		struct err e = {0};

		CHECK_MSG(http_router_open(&bad[i], 1, &r, &e) == ERR_INVALID, "%s is accepted",
			  bad[i].pattern);
		CHECK(r == NULL && strstr(e.msg, bad[i].pattern) != NULL);
	}
}
