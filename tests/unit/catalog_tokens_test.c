#include "api/catalog/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/catalog/db.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "tests/lib/catalog_fixture.h"
#include "tests/lib/test.h"

/* Adds a token whose hash is this letter; returns its id. */
static const char *
add(struct db *db, char letter, const char *name, const char *scopes, int64_t expires)
{
	static char id[24];
	char hash[DIGEST_HEX_SIZE];
	struct json *out = NULL;

	memset(hash, letter, sizeof hash - 1);
	hash[sizeof hash - 1] = '\0';
	CHECK_INT(tokens_add(
			  db,
			  &(struct token){
				  .name = name, .hash = hash, .scopes = scopes, .expires = expires},
			  1000, &out, NULL),
		  0);
	CHECK(json_get(out, "token") == NULL && json_get(out, "hash") == NULL);
	snprintf(id, sizeof id, "%s", json_str(out, "id", "?"));
	json_free(out);
	return id;
}

/* "id name scopes state; …" of a page, and its cursor. */
static const char *
listed(struct db *db, int64_t cursor, int limit, int64_t now)
{
	static char text[1024];
	struct json *page = NULL;
	struct buf out = {0};

	CHECK_INT(tokens_list(db, cursor, limit, now, &page, NULL), 0);
	json_foreach (t, json_get(page, "tokens")) {
		char *scopes = json_text(json_get(t, "scopes"));

		buf_addf(&out, "%s %s %s %s; ", json_str(t, "id", "?"), json_str(t, "name", "?"),
			 scopes, json_str(t, "state", "?"));
		free(scopes);
	}
	snprintf(text, sizeof text, "%s%s", out.len > 0 ? out.data : "",
		 json_str(page, "cursor", "-"));
	json_free(page);
	buf_fini(&out);
	return text;
}

static int
on_token(const struct token *t, void *arg)
{
	buf_addf(arg, "%c %s %s %lld; ", t->hash[0], t->name, t->scopes, (long long)t->expires);
	return 0;
}

static const char *
live(struct db *db, int64_t now)
{
	static char text[1024];
	struct buf out = {0};

	CHECK_INT(tokens_each(db, now, on_token, &out, NULL), 0);
	snprintf(text, sizeof text, "%s", out.len > 0 ? out.data : "");
	buf_fini(&out);
	return text;
}

TEST(the_life_of_tokens)
{
	struct db *db = fixture_db("tokens.db");
	char hash[DIGEST_HEX_SIZE];
	struct json *out = NULL;
	struct err e = {0};

	CHECK_STR(listed(db, 0, 10, 1000), "-");
	CHECK_STR(add(db, 'a', "ci", "build,publish", 0), "t1");
	CHECK_STR(add(db, 'b', "", "read", 5000), "t2");
	CHECK_STR(listed(db, 0, 10, 4999),
		  "t2  [\"read\"] active; t1 ci [\"build\",\"publish\"] active; -");
	CHECK_STR(listed(db, 0, 1, 5000), "t2  [\"read\"] expired; 2");
	CHECK_STR(listed(db, 2, 1, 5000), "t1 ci [\"build\",\"publish\"] active; 1");
	CHECK_STR(live(db, 4999), "a ci build,publish 0; b  read 5000; ");
	CHECK_STR(live(db, 5000), "a ci build,publish 0; ");

	CHECK_INT(tokens_revoke(db, 1, 6000, hash, &out, NULL), 0);
	CHECK_STR(json_str(out, "revoked", "?"), "1970-01-01T00:00:06Z");
	CHECK(strspn(hash, "a") == 64);
	json_free(out);
	/* Again: it stays as it was. */
	CHECK_INT(tokens_revoke(db, 1, 9000, hash, &out, NULL), 0);
	CHECK_STR(json_str(out, "revoked", "?"), "1970-01-01T00:00:06Z");
	CHECK_STR(json_str(out, "state", "?"), "revoked");
	json_free(out);
	CHECK_INT(tokens_revoke(db, 3, 6000, hash, &out, &e), ERR_NOT_FOUND);
	CHECK(out == NULL);
	CHECK_STR(live(db, 4999), "b  read 5000; ");
	CHECK_STR(listed(db, 0, 10, 6000),
		  "t2  [\"read\"] expired; t1 ci [\"build\",\"publish\"] revoked; -");

	/* A revoked token's number is nobody else's. */
	CHECK_STR(add(db, 'c', "x", "admin", 0), "t3");
	db_close(db);
}

TEST(no_two_of_one_hash)
{
	struct db *db = fixture_db("hashes.db");
	char hash[DIGEST_HEX_SIZE];
	struct token t = {.name = "", .hash = hash, .scopes = "read"};
	struct json *out = NULL;
	struct err e = {0};

	add(db, 'a', "", "read", 0);
	memset(hash, 'a', sizeof hash - 1);
	hash[sizeof hash - 1] = '\0';
	CHECK_INT(tokens_add(db, &t, 1, &out, &e), ERR_CONFLICT);
	CHECK(out == NULL);
	db_close(db);
}

TEST(not_more_than_the_limit)
{
	struct db *db = fixture_db("limit.db");
	char hash[DIGEST_HEX_SIZE];
	struct token t = {.name = "", .hash = hash, .scopes = "read", .expires = 2000};
	struct json *out = NULL;
	struct err e = {0};

	CHECK_INT(
		DB_EXEC(db, NULL, NULL, NULL,
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
			" INSERT INTO token (hash, name, scopes, created, expires)"
			" SELECT CAST(i AS TEXT), '', 'read', 1, 2000 FROM n",
			db_int(TOKENS_LIVE_MAX - 1)),
		0);
	snprintf(hash, sizeof hash, "%064d", TOKENS_LIVE_MAX);
	CHECK_INT(tokens_add(db, &t, 1, &out, NULL), 0);
	json_free(out);
	snprintf(hash, sizeof hash, "%064d", TOKENS_LIVE_MAX + 1);
	CHECK_INT(tokens_add(db, &t, 1, &out, &e), ERR_LIMIT);
	CHECK(strstr(e.msg, "revoke") != NULL);
	/* Those that expired do not count. */
	t.expires = 3000;
	CHECK_INT(tokens_add(db, &t, 2000, &out, NULL), 0);
	json_free(out);
	db_close(db);
}
