#include "builder/signature/minisign.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"

#define ALGORITHM_SIZE 2
#define UNTRUSTED      "untrusted comment: "
#define TRUSTED        "trusted comment: "
#define READ_SIZE      (128u << 10)

/* What is base64 in the files: an algorithm, the key's id, and the key or the signature. */
#define KEY_BYTES       (ALGORITHM_SIZE + MINISIGN_ID_SIZE + MINISIGN_KEY_SIZE)
#define SIGNATURE_BYTES (ALGORITHM_SIZE + MINISIGN_ID_SIZE + MINISIGN_SIZE)
#define BASE64_MAX      sodium_base64_ENCODED_LEN(SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL)

static const unsigned char algorithm_key[ALGORITHM_SIZE] = {'E', 'd'};
static const unsigned char algorithm_prehashed[ALGORITHM_SIZE] = {'E', 'D'};

/* The next line, without its end; false at the end of the text. */
static bool
next_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *stop;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	*line = *at;
	*len = (size_t)((stop != NULL ? stop : end) - *at);
	*at = stop != NULL ? stop + 1 : end;
	if (*len > 0 && (*line)[*len - 1] == '\r')
		--*len;
	return true;
}

static bool
has_prefix(const char *line, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

/* Exactly `size` bytes, or nothing. */
static bool
decode(const char *line, size_t len, unsigned char *out, size_t size)
{
	size_t n;

	return sodium_base642bin(out, size, line, len, NULL, &n, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == size;
}

static void
encode(const unsigned char *data, size_t len, struct buf *out)
{
	char text[BASE64_MAX];

	sodium_bin2base64(text, sizeof text, data, len, sodium_base64_VARIANT_ORIGINAL);
	buf_adds(out, text);
}

int
minisign_key_parse(const char *text, struct minisign_key *out, struct err *e)
{
	const char *at = text, *end = text + strlen(text), *line;
	unsigned char raw[KEY_BYTES];
	size_t len;

	while (next_line(&at, end, &line, &len)) {
		if (len == 0 || has_prefix(line, len, UNTRUSTED))
			continue;
		if (!decode(line, len, raw, sizeof raw) ||
		    memcmp(raw, algorithm_key, ALGORITHM_SIZE) != 0)
			break;
		memcpy(out->id, raw + ALGORITHM_SIZE, sizeof out->id);
		memcpy(out->key, raw + ALGORITHM_SIZE + MINISIGN_ID_SIZE, sizeof out->key);
		return 0;
	}
	return err_set(
		e, ERR_MALFORMED,
		"this is no minisign public key, nor a file with one (\"RW…\", 56 characters)");
}

int
minisign_key_open(const char *key, struct minisign_key *out, struct err *e)
{
	struct buf text = {0};
	int r;

	if (!file_exists(key))
		return minisign_key_parse(key, out, e) == 0 ? 0 : err_context(e, "key %.60s", key);
	r = file_read_regular(key, MINISIGN_FILE_MAX, &text, e);
	if (r == 0 && minisign_key_parse(text.data != NULL ? text.data : "", out, e) != 0)
		r = err_context(e, "%s", key);
	buf_fini(&text);
	return r;
}

void
minisign_key_text(const struct minisign_key *key, struct buf *out)
{
	unsigned char raw[KEY_BYTES];
	char id[MINISIGN_ID_HEX];

	memcpy(raw, algorithm_key, ALGORITHM_SIZE);
	memcpy(raw + ALGORITHM_SIZE, key->id, sizeof key->id);
	memcpy(raw + ALGORITHM_SIZE + MINISIGN_ID_SIZE, key->key, sizeof key->key);
	minisign_id_text(key->id, id);
	buf_addf(out, UNTRUSTED "minisign public key %s\n", id);
	encode(raw, sizeof raw, out);
	buf_adds(out, "\n");
}

/* minisign prints the id as a little-endian number. */
void
minisign_id_text(const unsigned char id[MINISIGN_ID_SIZE], char out[MINISIGN_ID_HEX])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < MINISIGN_ID_SIZE; i++) {
		unsigned char byte = id[MINISIGN_ID_SIZE - 1 - i];

		out[2 * i] = digits[byte >> 4];
		out[2 * i + 1] = digits[byte & 15];
	}
	out[2 * MINISIGN_ID_SIZE] = '\0';
}

static int
parse_signature(const char *line, size_t len, struct minisign *out, struct err *e)
{
	unsigned char raw[SIGNATURE_BYTES];

	if (!decode(line, len, raw, sizeof raw))
		return err_set(e, ERR_MALFORMED, "its second line is no signature");
	if (memcmp(raw, algorithm_prehashed, ALGORITHM_SIZE) != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "it is not prehashed; sign with minisign 0.10 or newer, without -l");
	memcpy(out->id, raw + ALGORITHM_SIZE, sizeof out->id);
	memcpy(out->signature, raw + ALGORITHM_SIZE + MINISIGN_ID_SIZE, sizeof out->signature);
	return 0;
}

static int
parse_comment(const char *line, size_t len, struct minisign *out, struct err *e)
{
	size_t skip = strlen(TRUSTED);

	if (!has_prefix(line, len, TRUSTED))
		return err_set(e, ERR_MALFORMED, "its third line is no trusted comment");
	if (len - skip >= sizeof out->comment)
		return err_set(e, ERR_LIMIT, "its trusted comment is longer than %d bytes",
			       MINISIGN_COMMENT_MAX - 1);
	if (memchr(line, '\0', len) != NULL)
		return err_set(e, ERR_MALFORMED, "its trusted comment has a NUL in it");
	memcpy(out->comment, line + skip, len - skip);
	out->comment[len - skip] = '\0';
	return 0;
}

int
minisign_parse(const char *text, size_t len, struct minisign *out, struct err *e)
{
	const char *at = text, *end = text + len, *line;
	size_t n;
	int r;

	*out = (struct minisign){0};
	if (!next_line(&at, end, &line, &n) || !has_prefix(line, n, UNTRUSTED))
		return err_set(e, ERR_MALFORMED, "this is no minisign signature");
	if (!next_line(&at, end, &line, &n))
		n = 0;
	r = parse_signature(line, n, out, e);
	if (r != 0)
		return r;
	if (!next_line(&at, end, &line, &n))
		n = 0;
	r = parse_comment(line, n, out, e);
	if (r != 0)
		return r;
	if (!next_line(&at, end, &line, &n) || !decode(line, n, out->global, sizeof out->global))
		return err_set(e, ERR_MALFORMED, "its fourth line is no signature");
	return 0;
}

void
minisign_text(const struct minisign *s, struct buf *out)
{
	unsigned char raw[SIGNATURE_BYTES];
	char id[MINISIGN_ID_HEX];

	memcpy(raw, algorithm_prehashed, ALGORITHM_SIZE);
	memcpy(raw + ALGORITHM_SIZE, s->id, sizeof s->id);
	memcpy(raw + ALGORITHM_SIZE + MINISIGN_ID_SIZE, s->signature, sizeof s->signature);
	minisign_id_text(s->id, id);
	buf_addf(out, UNTRUSTED "signature by prebuildd, key %s\n", id);
	encode(raw, sizeof raw, out);
	buf_addf(out, "\n" TRUSTED "%s\n", s->comment);
	encode(s->global, sizeof s->global, out);
	buf_adds(out, "\n");
}

int
minisign_hash(int fd, unsigned char out[MINISIGN_HASH_SIZE], struct err *e)
{
	crypto_generichash_state state;
	static _Thread_local unsigned char piece[READ_SIZE];
	off_t offset = 0;
	ssize_t n;

	crypto_generichash_init(&state, NULL, 0, MINISIGN_HASH_SIZE);
	while ((n = pread(fd, piece, sizeof piece, offset)) > 0) {
		crypto_generichash_update(&state, piece, (unsigned long long)n);
		offset += n;
	}
	if (n < 0)
		return err_sys(e, -errno, "read what is signed");
	crypto_generichash_final(&state, out, MINISIGN_HASH_SIZE);
	return 0;
}

void
minisign_global(const struct minisign *s, struct buf *out)
{
	buf_add(out, s->signature, sizeof s->signature);
	buf_adds(out, s->comment);
}

int
minisign_verify(const struct minisign *s, const struct minisign_key *key, int fd, struct err *e)
{
	unsigned char hash[MINISIGN_HASH_SIZE];
	char made_by[MINISIGN_ID_HEX], given[MINISIGN_ID_HEX];
	struct buf global = {0};

	if (memcmp(s->id, key->id, sizeof s->id) != 0) {
		minisign_id_text(s->id, made_by);
		minisign_id_text(key->id, given);
		return err_set(e, ERR_SIGNATURE, "it was signed with the key %s, not with %s",
			       made_by, given);
	}
	if (minisign_hash(fd, hash, e) != 0)
		return e->code;
	if (crypto_sign_verify_detached(s->signature, hash, sizeof hash, key->key) != 0)
		return err_set(e, ERR_SIGNATURE, "the signature is not one of these bytes");
	minisign_global(s, &global);
	if (crypto_sign_verify_detached(s->global, (const unsigned char *)global.data, global.len,
					key->key) != 0)
		err_set(e, ERR_SIGNATURE, "the signature's trusted comment was changed");
	buf_fini(&global);
	return e->code;
}
