#include "builder/signature/minisign.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/sign/key.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/signature/envelope.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* minisign 0.11: printf hello >f; minisign -G -W -p p -s s; minisign -Sm f -s s -t "a comment"; with -l
 * the legacy one. */
#define KEY    "RWQpyUumzv/Z1VQyUuQAzLSHiM3iRFDti6iPDv3AqFZfwLnWrejdsHl3"
#define KEY_ID "D5D9FFCEA64BC929"
#define LINE_1 "untrusted comment: signature from minisign secret key\n"
#define SIGNATURE \
	"RUQpyUumzv/Z1bPyF7zVzRB3mKEPHR0V290aTFnRUq765FAvsJEBgXk1GWtyR84pPigjW3UADms0RrHgasF+MP6cxSJ5cZrHswA=\n"
#define LEGACY \
	"RWQpyUumzv/Z1eeL133E1II69bAbZg76UCMNFIwC4eozaOiVBQMiz0gjrlR2zEF126481ycqL2LjqxMeoIaIkzaNbSBJ1+lcwgg=\n"
#define COMMENT "trusted comment: a comment\n"
#define GLOBAL \
	"4d2RGNlz2EqGjN1e+HCkqAAyuXkn+QRwg3Wyo6n0WqRcGJZxcLKFldis6f3aLaBfG/nfBNSR6Uo94ezExqZ8Cw==\n"
#define GOOD LINE_1 SIGNATURE COMMENT GLOBAL

static int
file_with(const char *text)
{
	const char *path = test_path("signed");

	file_write(path, text, strlen(text), 0644, NULL);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int
verify(const char *key_text, const char *signature, const char *content, struct err *e)
{
	int fd = file_with(content), r;
	struct minisign_key key;
	struct minisign s;

	*e = (struct err){0};
	seed_keep("signature", "", 0, signature, strlen(signature));
	seed_keep("signature", "", 0, key_text, strlen(key_text));
	if (minisign_key_parse(key_text, &key, e) == 0 &&
	    minisign_parse(signature, strlen(signature), &s, e) == 0)
		minisign_verify(&s, &key, fd, e);
	r = e->code;
	close(fd);
	return r;
}

TEST(what_minisign_made_verifies)
{
	struct err e;
	struct minisign_key key;
	struct buf text = {0};
	struct minisign s;

	CHECK_INT(verify(KEY, GOOD, "hello", &e), 0);
	CHECK_INT(verify("untrusted comment: x\n" KEY "\n", GOOD, "hello", &e), 0);
	CHECK_INT(verify("untrusted comment: x\r\n" KEY "\r\n", GOOD, "hello", &e), 0);
	CHECK_INT(minisign_key_parse(KEY, &key, NULL), 0);
	minisign_key_text(&key, &text);
	CHECK_STR(text.data, "untrusted comment: minisign public key " KEY_ID "\n" KEY "\n");
	CHECK_INT(minisign_parse(GOOD, strlen(GOOD), &s, NULL), 0);
	CHECK_STR(s.comment, "a comment");
	buf_fini(&text);
}

TEST(what_is_not_its_signature_is_refused_and_says_why)
{
	static const struct {
		const char *key, *signature, *content;
		int code;
		const char *says;
	} rows[] = {
		{KEY, GOOD, "hellO", ERR_SIGNATURE, "not one of these bytes"},
		{KEY, GOOD, "", ERR_SIGNATURE, "not one of these bytes"},
		{KEY, LINE_1 SIGNATURE "trusted comment: another\n" GLOBAL, "hello", ERR_SIGNATURE,
		 "trusted comment was changed"},
		{KEY, LINE_1 LEGACY COMMENT GLOBAL, "hello", ERR_UNSUPPORTED, "not prehashed"},
		{KEY, LINE_1 SIGNATURE COMMENT, "hello", ERR_MALFORMED, "fourth line"},
		{KEY, LINE_1 SIGNATURE GLOBAL, "hello", ERR_MALFORMED, "third line"},
		{KEY, LINE_1 COMMENT GLOBAL, "hello", ERR_MALFORMED, "second line"},
		{KEY, LINE_1, "hello", ERR_MALFORMED, "second line"},
		{KEY, SIGNATURE COMMENT GLOBAL, "hello", ERR_MALFORMED, "no minisign signature"},
		{KEY, "", "hello", ERR_MALFORMED, "no minisign signature"},
		{KEY, LINE_1 "RUQpyUumzv/Z1Q==\n" COMMENT GLOBAL, "hello", ERR_MALFORMED,
		 "second line"},
		{KEY, LINE_1 "R" SIGNATURE COMMENT GLOBAL, "hello", ERR_MALFORMED, "second line"},
		{"RW", GOOD, "hello", ERR_MALFORMED, "no minisign public key"},
		{"", GOOD, "hello", ERR_MALFORMED, "no minisign public key"},
		{"untrusted comment: nothing more", GOOD, "hello", ERR_MALFORMED, "public key"},
		{SIGNATURE, GOOD, "hello", ERR_MALFORMED, "no minisign public key"},
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = verify(rows[i].key, rows[i].signature, rows[i].content, &e);

		CHECK_MSG(r == rows[i].code && strstr(e.msg, rows[i].says) != NULL,
			  "row %zu: %d, \"%s\"", i, r, e.msg);
	}
}

TEST(a_comment_has_a_limit_and_no_nul)
{
	static const char nul[] = LINE_1 SIGNATURE "trusted comment: a\0b\n" GLOBAL;
	struct buf text = {0};
	struct minisign s;

	buf_adds(&text, LINE_1 SIGNATURE "trusted comment: ");
	for (int i = 0; i < MINISIGN_COMMENT_MAX; i++)
		buf_adds(&text, "x");
	buf_adds(&text, "\n" GLOBAL);
	CHECK_INT(minisign_parse(text.data, text.len, &s, NULL), ERR_LIMIT);
	CHECK_INT(minisign_parse(nul, sizeof nul - 1, &s, NULL), ERR_MALFORMED);
	buf_fini(&text);
}

TEST(a_key_is_made_once_and_signs)
{
	struct signing_key *k = NULL, *again = NULL, *third = NULL;
	const char *dir = test_dir(), *secret = test_path("minisign.key");
	int fd = file_with("hello");
	struct buf text = {0};
	struct minisign s;
	struct err e = {0};
	struct stat st;

	CHECK_INT(signing_key_open(dir, &k, &e), 0);
	CHECK(stat(secret, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK_INT(sign_file(k, fd, "what it is", &text, &e), 0);
	CHECK_INT(minisign_parse(text.data, text.len, &s, &e), 0);
	CHECK_STR(s.comment, "what it is");
	CHECK_INT(signing_key_open(dir, &again, &e), 0);
	CHECK_INT(minisign_verify(&s, signing_key_public(again), fd, &e), 0);
	close(fd);

	file_write(secret, "untrusted comment: x\nAAAA\n", 26, 0600, NULL);
	CHECK_INT(signing_key_open(dir, &third, &e), ERR_MALFORMED);
	CHECK(third == NULL && strstr(e.msg, "no secret key") != NULL);
	buf_fini(&text);
	signing_key_close(k);
	signing_key_close(again);
}

TEST(a_statement_comes_out_of_its_envelope_with_its_key_only)
{
	struct json *statement = json_object(), *envelope, *out = NULL;
	struct signing_key *k = NULL;
	struct minisign_key stranger;
	struct digest d;
	struct err e = {0};
	char *text, *at;

	signing_key_open(test_dir(), &k, &e);
	json_set_str(statement, "_type", "https://in-toto.io/Statement/v1");
	envelope = sign_statement(k, statement);
	text = json_text(envelope);
	CHECK_INT(envelope_open(text, strlen(text), signing_key_public(k), &out, &e), 0);
	CHECK_STR(json_str(out, "_type", ""), "https://in-toto.io/Statement/v1");
	digest_bytes("x", 1, &d);
	CHECK(!statement_covers(out, &d));
	json_free(out);

	CHECK_INT(minisign_key_parse(KEY, &stranger, &e), 0);
	CHECK_INT(envelope_open(text, strlen(text), &stranger, &out, &e), ERR_SIGNATURE);
	CHECK(out == NULL);
	e = (struct err){0};
	at = strstr(text, "\"payload\":\"") + strlen("\"payload\":\"");
	*at = *at == 'e' ? 'f' : 'e';
	CHECK_INT(envelope_open(text, strlen(text), signing_key_public(k), &out, &e),
		  ERR_SIGNATURE);
	e = (struct err){0};
	CHECK_INT(envelope_open("{}", 2, signing_key_public(k), &out, &e), ERR_MALFORMED);
	e = (struct err){0};
	CHECK(envelope_open("no", 2, signing_key_public(k), &out, &e) != 0 && out == NULL);
	free(text);
	json_free(envelope);
	json_free(statement);
	signing_key_close(k);
}
