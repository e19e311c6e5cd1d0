#include "builder/source/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/source/unpack.h"
#include "tests/lib/canned_http.h"
#include "tests/lib/test.h"

/* SHA-512 of "tarball" and of nothing, by sha512sum. */
#define SHA512                                                                                    \
	"sha512-WBQM9fuLkpBn60cFcU9GUnOBEyhwVxbOpyle0gD/abK/W01QtcFtEsDGj3RZYWrpP2UxasHjQ2plCE6F" \
	"rzLYdg=="
#define SHA512_EMPTY                                                                              \
	"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6" \
	"+SfaPg=="

static const struct fetch_limits plain = {.bytes = 1000000, .seconds = 120};

/* Loopback is not asked for through a proxy; the real registry may be. */
__attribute__((constructor)) static void
no_proxy(void)
{
	static const char *const variables[] = {"no_proxy", "NO_PROXY"};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *old = getenv(variables[i]);
		char *value = xasprintf("%s%s127.0.0.1", old != NULL ? old : "",
					old != NULL && old[0] != '\0' ? "," : "");

		setenv(variables[i], value, 1);
		free(value);
	}
}

/* A document with one version; %s stands for "dist" and "time". */
static char *
document(const char *name, const char *version, const char *dist, const char *time)
{
	return xasprintf("{\"name\":\"%s\",\"dist-tags\":{\"latest\":\"%s\"},\"versions\":{"
			 "\"0.0.1\":{\"name\":\"%s\",\"version\":\"0.0.1\"},"
			 "\"%s\":{\"name\":\"%s\",\"version\":\"%s\",\"dist\":%s,"
			 "\"binary\":{\"napi_versions\":[3,6]}}},\"time\":%s}",
			 name, version, name, version, name, version, dist, time);
}

static void
serve(struct canned *c, const char *path, const char *text)
{
	canned_reply(c, path, 200, "Content-Type: application/json\r\n", text, strlen(text));
}

static int
get(struct canned *c, const char *package, const char *version, struct registry_version *v,
    struct err *e)
{
	int r;

	*e = (struct err){0};
	r = registry_version_get(canned_base(c), package, version, &plain, v, e);
	CHECK_INT(r, e->code);
	if (r != 0) {
		char *prefix = xasprintf("%s@%s: ", package, version);

		CHECK(v->tarball == NULL && v->integrity == NULL && v->manifest == NULL);
		if (r != ERR_INVALID)
			CHECK_MSG(strncmp(e->msg, prefix, strlen(prefix)) == 0, "%s", e->msg);
		free(prefix);
	}
	return r;
}

TEST(a_version_is_picked)
{
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e;
	char *doc, *dist, *asked;

	dist = xasprintf("{\"tarball\":\"%s/t.tgz\",\"integrity\":\"" SHA512 "\"}", canned_base(c));
	doc = document("addon", "1.2.3-rc.1", dist,
		       "{\"1.2.3-rc.1\":\"2026-03-12T19:32:05.416Z\"}");
	serve(c, "/addon", doc);
	CHECK_INT(get(c, "addon", "1.2.3-rc.1", &v, &e), 0);
	CHECK(v.tarball != NULL && strncmp(v.tarball, canned_base(c), 17) == 0);
	CHECK_STR(v.integrity, SHA512);
	CHECK_STR(v.published, "2026-03-12T19:32:05.416Z");
	CHECK(v.manifest != NULL && strstr(v.manifest, "\"napi_versions\":[3,6]") != NULL);
	registry_version_fini(&v);
	asked = canned_last(c);
	CHECK(strncmp(asked, "GET /addon HTTP/1.1\r\n", 21) == 0);
	CHECK(strstr(asked, "\r\nAccept: application/json\r\n") != NULL);
	free(asked);
	free(doc);
	free(dist);
	canned_stop(c);
}

TEST(scope_and_slashes_in_the_url)
{
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e = {0};
	char *doc, *base;

	doc = document("@scope/addon", "1.0.0",
		       "{\"tarball\":\"https://example.test/t.tgz\",\"integrity\":\"" SHA512 "\"}",
		       "{}");
	serve(c, "/@scope%2faddon", doc);
	serve(c, "/below/npm/@scope%2faddon", doc);
	CHECK_INT(get(c, "@scope/addon", "1.0.0", &v, &e), 0);
	CHECK_STR(v.tarball, "https://example.test/t.tgz");
	CHECK(v.published == NULL);
	registry_version_fini(&v);
	base = xasprintf("%s/below/npm//", canned_base(c));
	CHECK_INT(registry_version_get(base, "@scope/addon", "1.0.0", &plain, &v, &e), 0);
	CHECK_INT(canned_hits(c, "/below/npm/@scope%2faddon"), 1);
	registry_version_fini(&v);
	free(base);
	free(doc);
	canned_stop(c);
}

TEST(what_does_not_exist)
{
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e;
	char *doc;

	CHECK_INT(get(c, "nothing", "1.0.0", &v, &e), ERR_NOT_FOUND);
	CHECK(strstr(e.msg, "no package nothing") != NULL);
	doc = document("addon", "1.0.0", "{}", "{}");
	serve(c, "/addon", doc);
	CHECK_INT(get(c, "addon", "2.0.0", &v, &e), ERR_NOT_FOUND);
	CHECK(strstr(e.msg, "addon has no version 2.0.0") != NULL);
	serve(c, "/unpublished", "{\"name\":\"unpublished\",\"time\":{}}");
	CHECK_INT(get(c, "unpublished", "1.0.0", &v, &e), ERR_NOT_FOUND);
	/* A name that is none is not even asked for. */
	CHECK_INT(get(c, "../addon", "1.0.0", &v, &e), ERR_INVALID);
	CHECK_INT(get(c, "addon", "latest", &v, &e), ERR_INVALID);
	CHECK_INT(canned_hits(c, "/addon"), 1);
	free(doc);
	canned_stop(c);
}

TEST(documents_that_are_no_good)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"", ERR_MALFORMED},
		{"<html>502</html>", ERR_MALFORMED},
		{"{\"versions\":", ERR_MALFORMED},
		{"{\"versions\":{}}{}", ERR_MALFORMED},
		{"[]", ERR_MALFORMED},
		{"null", ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":7}}", ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.0\"}}}",
		 ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"other\",\"version\":\"1.0.0\",\"dist\":"
		 "{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}}}}",
		 ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.1\",\"dist\":"
		 "{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}}}}",
		 ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.0\",\"dist\":"
		 "{\"tarball\":\"file:///etc/passwd\",\"integrity\":\"" SHA512 "\"}}}}",
		 ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.0\",\"dist\":"
		 "{\"tarball\":[],\"integrity\":\"" SHA512 "\"}}}}",
		 ERR_MALFORMED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.0\",\"dist\":"
		 "{\"tarball\":\"http://h/t\",\"shasum\":"
		 "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}}}}",
		 ERR_UNSUPPORTED},
		{"{\"versions\":{\"1.0.0\":{\"name\":\"addon\",\"version\":\"1.0.0\",\"dist\":"
		 "{\"tarball\":\"http://h/t\",\"integrity\":\"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=\"}}}}",
		 ERR_UNSUPPORTED},
	};
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		serve(c, "/addon", cases[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_MSG(get(c, "addon", "1.0.0", &v, &e) == cases[i].code, "%s: %s",
			  cases[i].text, e.msg);
	CHECK_INT(canned_hits(c, "/addon"), (int64_t)ARRAY_SIZE(cases));
	canned_stop(c);
}

/* From the version's own document, or from the package's if the registry has none of those, or
 * something else there. */
TEST(a_manifest_alone)
{
	static const struct {
		const char *own; /* what stands at /addon/1.0.0; NULL: nothing */
		const char *whole_dist;
		int code;
		bool from_whole;
	} cases[] = {
		{"{\"name\":\"addon\",\"version\":\"1.0.0\",\"gypfile\":true,"
		 "\"dist\":{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}}",
		 NULL, 0, false},
		{NULL, "{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}", 0, true},
		{"<html>", "{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}", 0, true},
		{"{\"name\":\"other\",\"version\":\"1.0.0\"}",
		 "{\"tarball\":\"http://h/t\",\"integrity\":\"" SHA512 "\"}", 0, true},
		{NULL, NULL, ERR_NOT_FOUND, false},
		{"{\"name\":\"addon\",\"version\":\"1.0.0\",\"dist\":{\"tarball\":\"http://h/t\","
		 "\"shasum\":\"00\"}}",
		 NULL, ERR_UNSUPPORTED, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct canned *c = canned_start();
		struct registry_version v;
		struct err e = {0};
		char *doc;

		if (cases[i].own != NULL)
			serve(c, "/addon/1.0.0", cases[i].own);
		if (cases[i].whole_dist != NULL) {
			doc = document("addon", "1.0.0", cases[i].whole_dist, "{}");
			serve(c, "/addon", doc);
			free(doc);
		}
		CHECK_INT(registry_manifest_get(canned_base(c), "addon", "1.0.0", &plain, &v, &e),
			  cases[i].code);
		CHECK_INT(canned_hits(c, "/addon/1.0.0"), 1);
		CHECK_INT(canned_hits(c, "/addon"),
			  cases[i].from_whole || cases[i].code == ERR_NOT_FOUND);
		if (cases[i].code == 0) {
			CHECK_STR(v.integrity, SHA512);
			CHECK((strstr(v.manifest, "gypfile") != NULL) == !cases[i].from_whole);
		} else {
			CHECK(strncmp(e.msg, "addon@1.0.0: ", 13) == 0);
		}
		registry_version_fini(&v);
		canned_stop(c);
	}
}

TEST(document_limit)
{
	static const char big[] = "HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n{";
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e;

	CHECK_INT(REGISTRY_DOCUMENT_MAX, 67108864);
	canned_raw(c, "/addon", big, sizeof big - 1);
	CHECK_INT(get(c, "addon", "1.0.0", &v, &e), ERR_TOO_LARGE);
	canned_stop(c);
}

TEST(integrity_and_time_as_registries_write_them)
{
	static const struct {
		const char *integrity, *want;
	} hashes[] = {
		{"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= " SHA512, SHA512},
		{SHA512 " sha256-x", SHA512},
		{"  " SHA512 "?opt  ", SHA512},
	};
	static const struct {
		const char *text;
		bool good;
	} times[] = {
		{"2026-03-12T19:32:05.416Z", true},
		{"2026-03-12T19:32:05Z", true},
		{"2026-03-12T19:32:05.416000+00:00", true},
		{"2026-03-12T19:32:05-07:00", true},
		{"2026-03-12", false},
		{"2026-03-12T19:32:05", false},
		{"2026-03-12T19:32:05.Z", false},
		{"2026-03-12T19:32:05Zx", false},
		{"2026-03-12T19:32:05+0000", false},
		{"yesterday", false},
		{"", false},
	};
	struct canned *c = canned_start();
	struct registry_version v;
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(hashes) + ARRAY_SIZE(times); i++) {
		bool hash = i < ARRAY_SIZE(hashes);
		size_t k = hash ? i : i - ARRAY_SIZE(hashes);
		char name[16], path[20], *dist, *time, *doc;

		snprintf(name, sizeof name, "addon%zu", i);
		snprintf(path, sizeof path, "/%s", name);
		dist = xasprintf("{\"tarball\":\"http://h/t\",\"integrity\":\"%s\"}",
				 hash ? hashes[k].integrity : SHA512);
		time = xasprintf("{\"1.0.0\":\"%s\"}", hash ? "" : times[k].text);
		doc = document(name, "1.0.0", dist, time);
		serve(c, path, doc);
		CHECK_INT(get(c, name, "1.0.0", &v, &e), 0);
		if (hash)
			CHECK_STR(v.integrity, hashes[k].want);
		else
			CHECK_STR(v.published, times[k].good ? times[k].text : NULL);
		registry_version_fini(&v);
		free(dist);
		free(time);
		free(doc);
	}
	canned_stop(c);
}

TEST(tarball_has_its_integrity)
{
	struct fetch_limits six = {.bytes = 6, .seconds = 60};
	struct fetch_limits usual = {.bytes = 0, .seconds = 60};
	static const char huge[] = "HTTP/1.1 200 OK\r\nContent-Length: 134217729\r\n\r\nx";
	struct canned *c = canned_start();
	struct registry_version v = {0};
	const char *to = test_path("t.tgz");
	struct buf out = {0};
	struct err e = {0};

	v.tarball = xasprintf("%s/t.tgz", canned_base(c));
	v.integrity = xstrdup(SHA512);
	canned_reply(c, "/t.tgz", 200, "", "tarball", 7);
	CHECK_INT(registry_tarball(&v, &plain, to, NULL, &e), 0);
	CHECK_INT(file_read(to, 100, &out, NULL), 0);
	CHECK_STR(out.data, "tarball");
	file_remove_tree(to, NULL);
	CHECK_INT(registry_tarball(&v, &usual, to, NULL, &e), 0);
	file_remove_tree(to, NULL);

	CHECK_INT(registry_tarball(&v, &six, to, NULL, &e), ERR_TOO_LARGE);
	CHECK(!file_exists(to));
	free(v.integrity);
	v.integrity = xstrdup(SHA512_EMPTY);
	e = (struct err){0};
	CHECK_INT(registry_tarball(&v, &plain, to, NULL, &e), ERR_DIGEST);
	CHECK(!file_exists(to));
	free(v.integrity);
	v.integrity = xstrdup("sha512-AAAA");
	CHECK_INT(registry_tarball(&v, &plain, to, NULL, NULL), ERR_INVALID);
	CHECK(!file_exists(to));

	free(v.tarball);
	v.tarball = xasprintf("%s/huge.tgz", canned_base(c));
	CHECK_INT(REGISTRY_TARBALL_MAX, 134217728);
	canned_raw(c, "/huge.tgz", huge, sizeof huge - 1);
	CHECK_INT(registry_tarball(&v, &usual, to, NULL, NULL), ERR_TOO_LARGE);
	free(v.tarball);
	v.tarball = xstrdup("file:///etc/passwd");
	CHECK_INT(registry_tarball(&v, &plain, to, NULL, NULL), ERR_UNSUPPORTED);
	CHECK(!file_exists(to));
	registry_version_fini(&v);
	buf_fini(&out);
	canned_stop(c);
}

/* The registry that npm uses on this machine; without it this test fails. */
TEST(real_registry)
{
	struct fetch_limits l = {.bytes = 0, .seconds = 300};
	struct unpack_limits u = {.bytes = 100000000, .entries = 10000, .depth = 32, .strip = 1};
	FILE *npm = popen("npm config get registry 2>/dev/null", "r");
	const char *to = test_path("sqlite3.tgz"), *into = test_path("sqlite3");
	struct registry_version v = {0};
	struct json *manifest = NULL;
	char registry[1000] = "";
	struct buf text = {0};
	struct err e = {0};

	if (!CHECK(npm != NULL))
		return;
	CHECK(fgets(registry, sizeof registry, npm) != NULL);
	CHECK_INT(pclose(npm), 0);
	registry[strcspn(registry, "\r\n")] = '\0';
	if (!CHECK_MSG(registry_version_get(registry, "sqlite3", "6.0.1", &l, &v, &e) == 0, "%s",
		       e.msg))
		return;
	CHECK(strncmp(v.integrity, "sha512-", 7) == 0 && strlen(v.integrity) == 95);
	CHECK(v.published != NULL && strncmp(v.published, "2026-", 5) == 0);
	manifest = json_parse(v.manifest, strlen(v.manifest), &e);
	CHECK_STR(json_str(manifest, "name", NULL), "sqlite3");
	CHECK_STR(json_str(manifest, "version", NULL), "6.0.1");
	CHECK(json_count(json_get(json_get(manifest, "binary"), "napi_versions")) > 0);
	CHECK_MSG(registry_tarball(&v, &l, to, NULL, &e) == 0, "%s", e.msg);
	file_mkdirs(into, 0755, NULL);
	CHECK_MSG(unpack_file(to, into, &u, &e) == 0, "%s", e.msg);
	CHECK(file_exists(test_path("sqlite3/binding.gyp")));
	CHECK_INT(file_read(test_path("sqlite3/package.json"), 100000, &text, &e), 0);
	json_free(manifest);
	manifest = json_parse(text.data != NULL ? text.data : "", text.len, &e);
	CHECK_STR(json_str(manifest, "version", NULL), "6.0.1");
	json_free(manifest);
	buf_fini(&text);
	registry_version_fini(&v);
	CHECK_INT(registry_version_get(registry, "sqlite3", "6.0.999", &l, &v, NULL),
		  ERR_NOT_FOUND);
}
