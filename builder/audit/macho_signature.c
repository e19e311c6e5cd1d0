#include "builder/audit/macho_signature.h"

#include <string.h>

#include "builder/base/digest.h"

#define MAGIC_SIGNATURE 0xfade0cc0u
#define MAGIC_DIRECTORY 0xfade0c02u
#define SUPER_SIZE      12u
#define INDEX_SIZE      8u
#define DIRECTORY_SIZE  44u

/* Slots of code directories: the first, and others with another kind of digest. */
#define SLOT_DIRECTORY     0u
#define SLOT_ALTERNATE     0x1000u
#define SLOT_ALTERNATE_END 0x1005u

/* Kinds of digests; the second is the first 20 bytes of a SHA-256. */
#define HASH_SHA256           2u
#define HASH_SHA256_TRUNCATED 3u
#define TRUNCATED_SIZE        20u

#define PAGE_BITS_MAX 20u

/* A directory in the signature's bytes. */
struct directory {
	const unsigned char *at;
	uint32_t len;
	uint32_t hashes, count, limit;
	unsigned hash_size, page_bits;
};

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int
read_directory(const unsigned char *at, uint32_t len, struct directory *out, struct err *e)
{
	unsigned want = at[37] == HASH_SHA256 ? DIGEST_SIZE : TRUNCATED_SIZE;
	uint64_t pages;

	*out = (struct directory){
		.at = at,
		.len = len,
		.hashes = be32(at + 16),
		.count = be32(at + 28),
		.limit = be32(at + 32),
		.hash_size = at[36],
		.page_bits = at[39],
	};
	if (out->hash_size != want || out->page_bits > PAGE_BITS_MAX)
		return err_set(e, ERR_MALFORMED, "digests of %u bytes, pages of 2^%u",
			       out->hash_size, out->page_bits);
	/* Without pages there is one digest of everything. */
	pages = out->page_bits == 0
			? 1
			: ((uint64_t)out->limit + (1u << out->page_bits) - 1) >> out->page_bits;
	if (pages != out->count)
		return err_set(e, ERR_MALFORMED, "%u digests for %llu pages", (unsigned)out->count,
			       (unsigned long long)pages);
	if (out->hashes > len || (len - out->hashes) / want < out->count)
		return err_set(e, ERR_MALFORMED, "the digests lie outside the signature");
	return 0;
}

/* The code directory with SHA-256 digests, the longer ones if there are both. */
static int
find_directory(const unsigned char *s, uint32_t len, struct directory *out, struct err *e)
{
	const unsigned char *best = NULL;
	uint32_t count, best_len = 0;

	if (len < SUPER_SIZE || be32(s) != MAGIC_SIGNATURE)
		return err_set(e, ERR_MALFORMED, "it does not begin as one");
	count = be32(s + 8);
	if (count > MACHO_BLOBS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d parts", MACHO_BLOBS_MAX);
	if ((len - SUPER_SIZE) / INDEX_SIZE < count)
		return err_set(e, ERR_MALFORMED, "its list of parts is cut");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = be32(s + SUPER_SIZE + i * INDEX_SIZE);
		uint32_t at = be32(s + SUPER_SIZE + i * INDEX_SIZE + 4), size;

		if (slot != SLOT_DIRECTORY && (slot < SLOT_ALTERNATE || slot >= SLOT_ALTERNATE_END))
			continue;
		if (at > len || len - at < DIRECTORY_SIZE || be32(s + at) != MAGIC_DIRECTORY)
			return err_set(e, ERR_MALFORMED, "a code directory lies outside of it");
		size = be32(s + at + 4);
		if (size < DIRECTORY_SIZE || size > len - at)
			return err_set(e, ERR_MALFORMED, "a code directory is cut");
		if (s[at + 37] == HASH_SHA256 ||
		    (s[at + 37] == HASH_SHA256_TRUNCATED && best == NULL)) {
			best = s + at;
			best_len = size;
		}
	}
	if (best == NULL)
		return err_set(e, ERR_UNSUPPORTED, "it has no SHA-256 digests");
	return read_directory(best, best_len, out, e);
}

int
macho_signature_check(const struct macho *m, const void *slice, size_t len, struct err *e)
{
	const unsigned char *data = slice;
	struct directory d = {0};
	uint32_t page;

	if (m->signature_offset > len || m->signature_size > len - m->signature_offset)
		return err_set(e, ERR_MALFORMED, "it lies outside the file");
	if (find_directory(data + m->signature_offset, m->signature_size, &d, e) != 0)
		return e->code;
	if (d.limit != m->signature_offset)
		return err_set(e, ERR_DIGEST, "it covers %u bytes of the %u before it",
			       (unsigned)d.limit, (unsigned)m->signature_offset);
	page = d.page_bits == 0 ? d.limit : 1u << d.page_bits;
	for (uint32_t i = 0; i < d.count; i++) {
		uint32_t at = i * page, size = d.limit - at < page ? d.limit - at : page;
		struct digest digest;

		digest_bytes(data + at, size, &digest);
		if (memcmp(digest.bytes, d.at + d.hashes + (size_t)i * d.hash_size, d.hash_size) !=
		    0)
			return err_set(e, ERR_DIGEST, "page %u, at 0x%x, has another digest",
				       (unsigned)i, (unsigned)at);
	}
	return 0;
}
