#include "builder/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct digest_stream),
	       "struct digest_stream holds libsodium's state");

static crypto_hash_sha256_state *
state_of(struct digest_stream *s)
{
	return (crypto_hash_sha256_state *)(void *)s->state;
}

void
digest_start(struct digest_stream *s)
{
	crypto_hash_sha256_init(state_of(s));
}

void
digest_add(struct digest_stream *s, const void *data, size_t len)
{
	crypto_hash_sha256_update(state_of(s), data, len);
}

void
digest_end(struct digest_stream *s, struct digest *out)
{
	crypto_hash_sha256_final(state_of(s), out->bytes);
}

void
digest_bytes(const void *data, size_t len, struct digest *out)
{
	crypto_hash_sha256(out->bytes, data, len);
}

int
digest_fd(int fd, struct digest *out, struct err *e)
{
	static const size_t chunk = 128 * 1024;
	unsigned char block[128 * 1024];
	struct digest_stream s;
	off_t at = 0;

	digest_start(&s);
	for (;;) {
		ssize_t n = pread(fd, block, chunk, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, -errno, "read");
		if (n == 0)
			break;
		digest_add(&s, block, (size_t)n);
		at += n;
	}
	digest_end(&s, out);
	return 0;
}

int
digest_path(const char *path, struct digest *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	r = digest_fd(fd, out, e);
	close(fd);
	return r;
}

void
digest_hex(const struct digest *d, char out[DIGEST_HEX_SIZE])
{
	sodium_bin2hex(out, DIGEST_HEX_SIZE, d->bytes, DIGEST_SIZE);
}

int
digest_parse(const char *text, struct digest *out)
{
	if (strncmp(text, "sha256:", 7) == 0)
		text += 7;
	if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return ERR_INVALID;
	return sodium_hex2bin(out->bytes, DIGEST_SIZE, text, 64, NULL, NULL, NULL) == 0
		       ? 0
		       : ERR_INVALID;
}

int
digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

static int
sha512_path(const char *path, unsigned char out[crypto_hash_sha512_BYTES], struct err *e)
{
	unsigned char block[64 * 1024];
	crypto_hash_sha512_state state;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	crypto_hash_sha512_init(&state);
	while ((n = read(fd, block, sizeof block)) > 0)
		crypto_hash_sha512_update(&state, block, (size_t)n);
	close(fd);
	if (n < 0)
		return err_sys(e, -errno, "read %s", path);
	crypto_hash_sha512_final(&state, out);
	return 0;
}

int
digest_integrity(const char *path, char out[DIGEST_INTEGRITY_SIZE], struct err *e)
{
	unsigned char hash[crypto_hash_sha512_BYTES];
	int r = sha512_path(path, hash, e);

	if (r != 0)
		return r;
	snprintf(out, DIGEST_INTEGRITY_SIZE, "sha512-");
	sodium_bin2base64(out + 7, DIGEST_INTEGRITY_SIZE - 7, hash, sizeof hash,
			  sodium_base64_VARIANT_ORIGINAL);
	return 0;
}

int
digest_check_integrity(const char *path, const char *integrity, struct err *e)
{
	unsigned char want[crypto_hash_sha512_BYTES], have[crypto_hash_sha512_BYTES];
	size_t len = 0;
	int r;

	if (strncmp(integrity, "sha512-", 7) != 0)
		return err_set(e, ERR_UNSUPPORTED, "integrity %.20s… is not sha512", integrity);
	integrity += 7;
	if (sodium_base642bin(want, sizeof want, integrity, strlen(integrity), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len != sizeof want)
		return err_set(e, ERR_INVALID, "integrity is not base64 of a SHA-512 digest");
	r = sha512_path(path, have, e);
	if (r != 0)
		return r;
	if (memcmp(want, have, sizeof want) != 0)
		return err_set(e, ERR_DIGEST, "the bytes do not have the registry's integrity");
	return 0;
}
