#include <stdlib.h>
#include <string.h>

#include "api/http/target.h"
#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* path: NULL if the target is refused. */
static const struct {
	const char *target;
	const char *path;
} paths[] = {
	{"/", "/"},
	{"/v1/builds", "/v1/builds"},
	{"/v1/builds/", "/v1/builds/"},
	{"//v1///builds", "/v1/builds"},
	{"///", "/"},
	{"/a%20b", "/a b"},
	{"/a%2Bb+c", "/a+b+c"},
	{"/a%25b", "/a%b"},
	{"/a%2525", "/a%25"},
	{"/%41%7e", "/A~"},
	{"/a%23b%3fc", "/a#b?c"},
	{"/caf%c3%a9", "/caf\xc3\xa9"},
	{"/%f0%9f%92%be", "/\xf0\x9f\x92\xbe"},
	/* npm's scoped names, as its clients and as encodeURIComponent write them. */
	{"/p/@scope/name", "/p/@scope/name"},
	{"/p/@scope%2fname", "/p/@scope/name"},
	{"/p/@scope%2Fname/v1", "/p/@scope/name/v1"},
	{"/p/%40scope%2fname", "/p/@scope/name"},
	{"/p/@scope%2f/name", "/p/@scope/name"},
	/* Any other encoded slash is refused: a proxy would not see it as one. */
	{"/a%2fb", NULL},
	{"/%2fetc", NULL},
	{"/p/@%2fname", NULL},
	{"/p/@a%2fb%2fc", NULL},
	{"/p/x@a%2fb", NULL},
	{"/p/@scope%2f..", NULL},
	{"/p/@scope%2f.%2f", NULL},
	{"/.", NULL},
	{"/..", NULL},
	{"/a/../b", NULL},
	{"/a/..", NULL},
	{"/a/./b", NULL},
	{"/a/%2e%2e/b", NULL},
	{"/a/.%2e", NULL},
	{"/a/%2E/b", NULL},
	{"/...", "/..."},
	{"/.well-known", "/.well-known"},
	{"/a..b/.c", "/a..b/.c"},
	{"/%00", NULL},
	{"/a%00.tar.gz", NULL},
	{"/a%0ab", NULL},
	{"/a%0d%0ab", NULL},
	{"/a%7f", NULL},
	{"/a%", NULL},
	{"/a%4", NULL},
	{"/a%zz", NULL},
	{"/a%4g", NULL},
	{"/a%-1", NULL},
	{"/a#b", NULL},
	{"/caf\xc3\xa9", NULL},
	{"/%ff", NULL},
	{"/%c3", NULL},
	{"/%c0%af", NULL},
	{"/%e0%80%af", NULL},
	{"/%ed%a0%80", NULL},
	{"/%f4%90%80%80", NULL},
	{"/%f5%80%80%80", NULL},
	{"", NULL},
	{"*", NULL},
	{"a", NULL},
	{"host:80", NULL},
	{"http://host/a/b", "/a/b"},
	{"HTTP://host:80//a", "/a"},
	{"https://host/a", "/a"},
	{"http://host", "/"},
	{"http://host?q=1", "/"},
	{"http:///a", NULL},
	{"http://user@host/a", NULL},
	{"http://", NULL},
	{"ftp://host/a", NULL},
	{"file:///etc/passwd", NULL},
};

static const struct {
	const char *target;
	const char *name;
	const char *value; /* NULL: not there */
} queries[] = {
	{"/?a=b", "a", "b"},
	{"/?a=b&c=d", "c", "d"},
	{"/?a=1&a=2", "a", "1"},
	{"/?a", "a", ""},
	{"/?a=", "a", ""},
	{"/?=a", "", "a"},
	{"/?&&a=1&", "a", "1"},
	{"/?a=b=c", "a", "b=c"},
	{"/?a=x+y%2Bz", "a", "x y+z"},
	{"/?p%61ckage=%40scope%2Fname", "package", "@scope/name"},
	{"/?a=..%2f..", "a", "../.."},
	{"/?a=b?c", "a", "b?c"},
	{"/?", "a", NULL},
	{"/?ab=1", "a", NULL},
	{"/", "a", NULL},
	{"http://host?a=1", "a", "1"},
};

static const char *const bad_queries[] = {
	"/?a=%", "/?a=%0", "/?a=%00", "/?%00=a", "/?a=%0a", "/?a=%ff", "/?a=b#c", "/?a=\xff",
};

/* In memory of exactly the size that a request line leaves: the byte after it is writable. */
static char *
copy(const char *target)
{
	return xstrdup(target);
}

TEST(target_paths)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *text = copy(paths[i].target);
		struct http_target t = {0};
		struct fault f = {0};
		int r = http_target_parse(&t, text, strlen(text), &f);

		if (paths[i].path != NULL) {
			CHECK_MSG(r == 0, "%s: %s", paths[i].target, f.detail);
			CHECK_STR(r == 0 ? t.path : NULL, paths[i].path);
			CHECK(r != 0 || t.path_len == strlen(paths[i].path));
		} else {
			CHECK_MSG(r != 0, "%s is accepted", paths[i].target);
			CHECK_STR(fault_code(f.kind), "bad-target");
			CHECK_MSG(f.detail[0] != '\0', "%s: no detail", paths[i].target);
		}
		free(text);
	}
}

TEST(target_queries)
{
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		char *text = copy(queries[i].target);
		struct http_target t = {0};
		struct fault f = {0};

		CHECK_MSG(http_target_parse(&t, text, strlen(text), &f) == 0, "%s: %s",
			  queries[i].target, f.detail);
		CHECK_STR(t.path, "/");
		CHECK_STR(http_target_query(&t, queries[i].name), queries[i].value);
		free(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_queries); i++) {
		char *text = copy(bad_queries[i]);
		struct http_target t = {0};
		struct fault f = {0};

		CHECK_MSG(http_target_parse(&t, text, strlen(text), &f) != 0, "%s is accepted",
			  bad_queries[i]);
		free(text);
	}
}

TEST(target_query_count_is_limited)
{
	struct buf b = {0};
	struct http_target t = {0};
	struct fault f = {0};

	buf_adds(&b, "/?");
	for (int i = 0; i < HTTP_QUERY_MAX; i++)
		buf_addf(&b, "a%d=%d&", i, i);
	CHECK_INT(http_target_parse(&t, b.data, b.len, &f), 0);
	CHECK_INT((int)t.query_count, HTTP_QUERY_MAX);
	CHECK_STR(http_target_query(&t, "a31"), "31");
	b.len = 0;
	buf_adds(&b, "/?");
	for (int i = 0; i <= HTTP_QUERY_MAX; i++)
		buf_addf(&b, "a%d=%d&", i, i);
	CHECK(http_target_parse(&t, b.data, b.len, &f) != 0);
	CHECK_STR(f.detail, "more than 32 query parameters");
	buf_fini(&b);
}
