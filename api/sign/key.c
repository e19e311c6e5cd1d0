#include "api/sign/key.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/signature/envelope.h"

#define SECRET_COMMENT "untrusted comment: prebuildd's signing key, in minisign's format\n"

/* The bytes behind the base64 of a secret-key file. A password's parameters are zeros without one. */
struct secret {
	unsigned char algorithm[2]; /* "Ed" */
	unsigned char kdf[2];       /* "Sc", or zeros for none */
	unsigned char checksum[2];  /* "B2" */
	unsigned char salt[32], ops[8], mem[8];
	unsigned char id[MINISIGN_ID_SIZE];
	unsigned char key[crypto_sign_SECRETKEYBYTES];
	unsigned char sum[32]; /* zeros, too */
};
#define SECRET_SIZE 158
_Static_assert(sizeof(struct secret) == SECRET_SIZE, "minisign's layout has no padding");

struct signing_key {
	struct minisign_key public;
	unsigned char key[crypto_sign_SECRETKEYBYTES];
};

/* minisign writes no checksum without a password; but the key holds its public half, which follows from
 * the other one. */
static bool
is_whole(const struct secret *s)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], key[crypto_sign_SECRETKEYBYTES];
	bool same;

	crypto_sign_seed_keypair(public, key, s->key);
	same = sodium_memcmp(key, s->key, sizeof key) == 0;
	sodium_memzero(key, sizeof key);
	return same;
}

static int
write_public(const char *dir, const struct minisign_key *key, struct err *e)
{
	char *path = xasprintf("%s/minisign.pub", dir);
	struct buf text = {0};

	minisign_key_text(key, &text);
	file_write_atomic(path, text.data, text.len, 0644, e);
	buf_fini(&text);
	free(path);
	return e->code;
}

static int
make(const char *path, struct err *e)
{
	char text[sizeof SECRET_COMMENT +
		  sodium_base64_ENCODED_LEN(SECRET_SIZE, sodium_base64_VARIANT_ORIGINAL)];
	size_t n = sizeof SECRET_COMMENT - 1;
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	struct secret s = {.algorithm = "Ed", .checksum = "B2"};

	crypto_sign_keypair(public, s.key);
	randombytes_buf(s.id, sizeof s.id);
	memcpy(text, SECRET_COMMENT, n);
	sodium_bin2base64(text + n, sizeof text - n, (const unsigned char *)&s, sizeof s,
			  sodium_base64_VARIANT_ORIGINAL);
	n = strlen(text);
	text[n++] = '\n';
	file_write_atomic(path, text, n, 0600, e);
	sodium_memzero(&s, sizeof s);
	sodium_memzero(text, sizeof text);
	return e->code;
}

/* The second line of the file is the key. */
static int
parse(const struct buf *text, struct secret *s, struct err *e)
{
	const char *line = text->data != NULL ? strchr(text->data, '\n') : NULL;
	size_t n;

	if (line == NULL ||
	    sodium_base642bin((unsigned char *)s, sizeof *s, line + 1, strcspn(line + 1, "\r\n"),
			      NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n != sizeof *s || memcmp(s->algorithm, "Ed", 2) != 0)
		return err_set(e, ERR_MALFORMED, "this is no secret key of minisign");
	if (memcmp(s->kdf, "\0\0", 2) != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "it is protected by a password, which nobody would type here; make "
			       "one without: minisign -G -W");
	if (!is_whole(s))
		return err_set(e, ERR_MALFORMED, "the key is damaged: its two halves differ");
	return 0;
}

int
signing_key_open(const char *dir, struct signing_key **out, struct err *e)
{
	char *path = xasprintf("%s/minisign.key", dir);
	struct signing_key *k = xcalloc(1, sizeof *k);
	struct secret s = {.algorithm = ""};
	struct buf text = {0};

	if (!file_exists(path))
		make(path, e);
	if (e->code == 0 && file_read_regular(path, MINISIGN_FILE_MAX, &text, e) == 0 &&
	    parse(&text, &s, e) != 0)
		err_context(e, "%s", path);
	if (e->code == 0) {
		memcpy(k->key, s.key, sizeof k->key);
		memcpy(k->public.id, s.id, sizeof k->public.id);
		crypto_sign_ed25519_sk_to_pk(k->public.key, s.key);
		write_public(dir, &k->public, e);
	}
	if (e->code == 0)
		*out = k;
	else
		signing_key_close(k);
	if (text.data != NULL)
		sodium_memzero(text.data, text.len);
	sodium_memzero(&s, sizeof s);
	buf_fini(&text);
	free(path);
	return e->code;
}

void
signing_key_close(struct signing_key *k)
{
	if (k == NULL)
		return;
	sodium_memzero(k, sizeof *k);
	free(k);
}

const struct minisign_key *
signing_key_public(const struct signing_key *k)
{
	return &k->public;
}

int
sign_file(const struct signing_key *k, int fd, const char *comment, struct buf *out, struct err *e)
{
	unsigned char hash[MINISIGN_HASH_SIZE];
	struct buf global = {0};
	struct minisign s;

	if (minisign_hash(fd, hash, e) != 0)
		return e->code;
	memcpy(s.id, k->public.id, sizeof s.id);
	if ((size_t)snprintf(s.comment, sizeof s.comment, "%s", comment) >= sizeof s.comment)
		return err_set(e, ERR_LIMIT, "a trusted comment is at most %zu bytes",
			       sizeof s.comment - 1);
	crypto_sign_detached(s.signature, NULL, hash, sizeof hash, k->key);
	minisign_global(&s, &global);
	crypto_sign_detached(s.global, NULL, (const unsigned char *)global.data, global.len,
			     k->key);
	minisign_text(&s, out);
	buf_fini(&global);
	return 0;
}

struct json *
sign_statement(const struct signing_key *k, const struct json *statement)
{
	unsigned char signature[MINISIGN_SIZE];
	char *payload = json_text(statement);
	struct buf bytes = {0};
	struct json *envelope;

	envelope_signed_bytes(payload, strlen(payload), &bytes);
	crypto_sign_detached(signature, NULL, (const unsigned char *)bytes.data, bytes.len, k->key);
	envelope = envelope_make(payload, strlen(payload), k->public.id, signature);
	buf_fini(&bytes);
	free(payload);
	return envelope;
}
