#include "api/routes/grants.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

/* The scopes in their own order, or "-" if the text is refused. */
static const char *
parsed(const char *text)
{
	static char out[SCOPES_TEXT_SIZE];
	struct err e = {0};
	unsigned scopes;

	if (scopes_parse(text, &scopes, &e) != 0) {
		CHECK_INT(e.code, ERR_INVALID);
		return "-";
	}
	scopes_text(scopes, out);
	return out;
}

TEST(scopes)
{
	CHECK_STR(parsed("read"), "read");
	CHECK_STR(parsed("publish,build"), "build,publish");
	CHECK_STR(parsed("admin,worker,publish,build,read"), "read,build,publish,worker,admin");
	CHECK_STR(parsed("build,build"), "build");
	CHECK_STR(parsed(""), "-");
	CHECK_STR(parsed("Build"), "-");
	CHECK_STR(parsed("buil"), "-");
	CHECK_STR(parsed("builds"), "-");
	CHECK_STR(parsed("build, publish"), "-");
	CHECK_STR(parsed(",build"), "-");
}

TEST(what_scopes_allow)
{
	static const enum scope all[] = {SCOPE_READ, SCOPE_BUILD, SCOPE_PUBLISH, SCOPE_WORKER,
					 SCOPE_ADMIN};

	for (size_t i = 0; i < 5; i++) {
		CHECK(!scopes_allow(0, all[i]));
		CHECK(scopes_allow(SCOPE_ADMIN, all[i]));
		CHECK(scopes_allow(all[i], SCOPE_READ));
		for (size_t j = 1; j < 5; j++)
			CHECK_INT(scopes_allow(all[i], all[j]), i == j || i == 4);
	}
}

TEST(tokens_are_long_and_differ)
{
	char a[GRANT_TOKEN_SIZE], b[GRANT_TOKEN_SIZE];

	grant_token(a);
	grant_token(b);
	CHECK_INT((int64_t)strlen(a), (int64_t)strlen("prebuildd_") + 64);
	CHECK(strncmp(a, "prebuildd_", 10) == 0);
	CHECK(strcmp(a, b) != 0);
}

/* "scopes expires" of a token, "-" if it is not known. */
static const char *
known(const struct grants *g, const char *token)
{
	static char out[SCOPES_TEXT_SIZE + 32];
	char text[SCOPES_TEXT_SIZE];
	int64_t expires = 0;
	unsigned scopes = grants_of(g, token, &expires);

	scopes_text(scopes, text);
	snprintf(out, sizeof out, "%s %lld", text, (long long)expires);
	return scopes != 0 ? out : "-";
}

static void
add(struct grants *g, const char *token, unsigned scopes, int64_t expires)
{
	char hash[DIGEST_HEX_SIZE];

	grant_hash(token, hash);
	grants_add(g, hash, scopes, expires);
}

static void
take_away(struct grants *g, const char *token)
{
	char hash[DIGEST_HEX_SIZE];

	grant_hash(token, hash);
	grants_remove(g, hash);
}

TEST(one_token)
{
	struct grants *g = grants_new();

	CHECK_STR(known(g, "a"), "-");
	take_away(g, "a");
	add(g, "a", SCOPE_BUILD, 7);
	CHECK_STR(known(g, "a"), "build 7");
	CHECK_STR(known(g, ""), "-");
	add(g, "a", SCOPE_ADMIN, 0);
	CHECK_STR(known(g, "a"), "build 7");
	take_away(g, "b");
	CHECK_STR(known(g, "a"), "build 7");
	take_away(g, "a");
	CHECK_STR(known(g, "a"), "-");
	grants_free(g);
	grants_free(NULL);
}

TEST(many_tokens)
{
	struct grants *g = grants_new();
	char token[32], want[64];

	for (int i = 0; i < 300; i++) {
		snprintf(token, sizeof token, "token %d", i);
		add(g, token, i % 2 == 0 ? SCOPE_BUILD : SCOPE_PUBLISH, i);
	}
	for (int i = 0; i < 300; i += 3) {
		snprintf(token, sizeof token, "token %d", i);
		take_away(g, token);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(token, sizeof token, "token %d", i);
		snprintf(want, sizeof want, "%s %d", i % 2 == 0 ? "build" : "publish", i);
		CHECK_STR(known(g, token), i % 3 == 0 ? "-" : want);
	}
	grants_free(g);
}
