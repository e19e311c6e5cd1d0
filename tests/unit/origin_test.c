#include "builder/model/origin.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/model/git_hosts.h"
#include "tests/lib/test.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define DIGEST COMMIT "89abcdef0123456789abcdef"

TEST(git_urls_that_are_fetched)
{
	static const char *const good[] = {
		"https://example.org/a.git",
		"http://127.0.0.1:8080/a",
		"https://[::1]:8443/a/b/c.git",
		"https://git.example.org/~user/a%20b.git",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct origin o, again;
		struct err e = {0};
		char *text;

		CHECK_MSG(origin_git(good[i], "main", &o, &e) == 0, "%s: %s", good[i], e.msg);
		text = origin_text(&o);
		CHECK_INT(origin_parse(text, &again, &e), 0);
		CHECK_STR(again.url, good[i]);
		CHECK_STR(again.ref, "main");
		free(text);
	}
}

TEST(git_urls_that_are_not)
{
	static const struct {
		const char *url;
		int code;
	} bad[] = {
		{"", ERR_UNSUPPORTED},
		{"file:///etc", ERR_UNSUPPORTED},
		{"/etc/passwd", ERR_UNSUPPORTED},
		{"../a.git", ERR_UNSUPPORTED},
		{"ssh://git@example.org/a.git", ERR_UNSUPPORTED},
		{"git@example.org:a.git", ERR_UNSUPPORTED},
		{"git://example.org/a.git", ERR_UNSUPPORTED},
		{"ext::sh -c x", ERR_UNSUPPORTED},
		{"--upload-pack=x", ERR_UNSUPPORTED},
		{"HTTPS://example.org/a.git", ERR_UNSUPPORTED},
		{"https://user:secret@example.org/a.git", ERR_UNSUPPORTED},
		{"https://secret@example.org/a.git", ERR_UNSUPPORTED},
		{"https://", ERR_INVALID},
		{"https:///a.git", ERR_INVALID},
		{"https://example.org", ERR_INVALID},
		{"https://example.org/", ERR_INVALID},
		{"https://example.org:/a", ERR_INVALID},
		{"https://example.org:x/a", ERR_INVALID},
		{"https://example.org:123456/a", ERR_INVALID},
		{"https://-example.org/a", ERR_INVALID},
		{"https://[::1/a", ERR_INVALID},
		{"https://exa mple.org/a", ERR_INVALID},
		{"https://example.org/a b", ERR_INVALID},
		{"https://example.org/a?token=secret", ERR_INVALID},
		{"https://example.org/a#b", ERR_INVALID},
		{"https://example.org/../a", ERR_INVALID},
		{"https://example.org/a/./b", ERR_INVALID},
		{"https://example.org/a\nb", ERR_INVALID},
		{"https://example.org\\@evil/a", ERR_UNSUPPORTED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct origin o;
		struct err e = {0};

		CHECK_MSG(origin_git(bad[i].url, "main", &o, &e) == bad[i].code, "%s: %d %s",
			  bad[i].url, e.code, e.msg);
		CHECK_MSG(strstr(e.msg, "secret") == NULL, "%s", e.msg);
	}
}

TEST(refs)
{
	static const char *const good[] = {"main", "v1.0.0", "feature/x", "refs/pull/7/head",
					   "HEAD", "a+b",    "user@x",    COMMIT};
	static const char *const bad[] = {"-x",   "--upload-pack=x",
					  "a..b", "/a",
					  "a/",   "a//b",
					  "a b",  "a:b",
					  "a^b",  "a~1",
					  "a*",   ".a",
					  "a/.b", "a.",
					  "a\\b", "a\nb",
					  "a#b",  "+a:b"};
	struct origin o;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_MSG(origin_git("https://e.org/a", good[i], &o, NULL) == 0, "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_MSG(origin_git("https://e.org/a", bad[i], &o, NULL) == ERR_INVALID, "%s",
			  bad[i]);
	CHECK_INT(origin_git("git+https://e.org/a", NULL, &o, NULL), 0);
	CHECK_STR(o.url, "https://e.org/a");
	CHECK_STR(o.ref, "HEAD");
}

TEST(uploads)
{
	struct origin o;

	CHECK_INT(origin_upload("sha256:" DIGEST, &o, NULL), 0);
	CHECK_STR(o.digest, DIGEST);
	CHECK_INT(origin_upload(DIGEST, &o, NULL), ERR_INVALID);
	CHECK_INT(origin_upload("sha256:" COMMIT, &o, NULL), ERR_INVALID);
	CHECK_INT(origin_parse("", &o, NULL), 0);
	CHECK_INT(o.kind, ORIGIN_REGISTRY);
	CHECK_INT(origin_parse("git+https://e.org/a", &o, NULL), ERR_INVALID);
}

static const char *
version(const char *base, const char *url_or_digest, const char *ref)
{
	static char out[PACKAGE_VERSION_MAX + 1];
	char pin[ORIGIN_PIN_SIZE];
	struct origin o;

	if (ref != NULL)
		CHECK_INT(origin_git(url_or_digest, ref, &o, NULL), 0);
	else
		CHECK_INT(origin_upload(url_or_digest, &o, NULL), 0);
	return origin_version(base, origin_pin(&o, pin) ? pin : NULL, out, NULL) == 0 ? out : "-";
}

TEST(versions)
{
	char base[PACKAGE_VERSION_MAX + 1];
	char *longest = xasprintf("1.0.0-%0120d", 1);

	CHECK_STR(version("6.0.1", "https://e.org/a", COMMIT), "6.0.1+git.0123456789ab");
	CHECK_STR(version("6.0.1", "https://e.org/a", "main"), "6.0.1+git");
	CHECK_STR(version("6.0.1-rc.1", "sha256:" DIGEST, NULL), "6.0.1-rc.1+src.0123456789ab");
	CHECK_STR(version("6.0.1+b.5", "https://e.org/a", COMMIT), "6.0.1+b.5.git.0123456789ab");
	CHECK_STR(version("6.0", "https://e.org/a", COMMIT), "-");
	CHECK_STR(version(longest, "https://e.org/a", COMMIT), "-");
	CHECK(origin_is_pinned("6.0.1+git.0123456789ab"));
	CHECK(origin_is_pinned("6.0.1+git"));
	CHECK(origin_is_pinned("6.0.1+b.5.src.0123456789ab"));
	CHECK(!origin_is_pinned("6.0.1"));
	CHECK(!origin_is_pinned("6.0.1-git.5"));
	CHECK(!origin_is_pinned("6.0.1+digit.5"));
	origin_base("6.0.1+b.5.git.0123456789ab", base);
	CHECK_STR(base, "6.0.1+b.5");
	origin_base("6.0.1+git.1.git.0123456789ab", base);
	CHECK_STR(base, "6.0.1+git.1");
	origin_base("6.0.1", base);
	CHECK_STR(base, "6.0.1");
	free(longest);
}
