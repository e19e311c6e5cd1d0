#include "builder/pack/inflate.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/mem.h"
#include "builder/pack/entry_name.h"

#define BLOCK_SIZE   (64 * 1024)
#define TRAILER_SIZE 8 /* of a gzip member: CRC-32 and length, little endian */

struct inflate {
	struct archive *raw;
	int fd;                    /* -1 if the input is memory */
	const unsigned char *rest; /* memory that was not handed over yet */
	size_t rest_len;
	unsigned char *block;
	unsigned char trailer[TRAILER_SIZE]; /* the input's last bytes so far */
	int io;                              /* -errno of a failed read of the input, or 0 */
	bool gzip, ended;
	uint64_t limit, total, zeros;
	uint32_t crc;
};

static uint32_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void
crc_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
		crc_table[i] = c;
	}
}

static uint32_t
crc_add(uint32_t crc, const unsigned char *p, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc_table[(crc ^ p[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

static uint32_t
little_endian(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void
keep_trailer(struct inflate *z, const unsigned char *p, size_t len)
{
	if (len >= TRAILER_SIZE) {
		memcpy(z->trailer, p + len - TRAILER_SIZE, TRAILER_SIZE);
		return;
	}
	memmove(z->trailer, z->trailer + len, TRAILER_SIZE - len);
	memcpy(z->trailer + TRAILER_SIZE - len, p, len);
}

/* libarchive's read callback: the next bytes of the compressed input. */
static la_ssize_t
on_input(struct archive *a, void *ctx, const void **out)
{
	struct inflate *z = ctx;
	ssize_t n;

	if (z->fd < 0) {
		*out = z->rest;
		n = (ssize_t)z->rest_len;
		z->rest_len = 0;
	} else {
		do
			n = read(z->fd, z->block, BLOCK_SIZE);
		while (n < 0 && errno == EINTR);
		*out = z->block;
	}
	if (n < 0) {
		z->io = -errno;
		archive_set_error(a, errno, "read failed");
		return ARCHIVE_FATAL;
	}
	if (n > 0)
		keep_trailer(z, *out, (size_t)n);
	return n;
}

static int
failed(const struct inflate *z, struct err *e)
{
	const char *why = archive_error_string(z->raw);
	char shown[ENTRY_SHOW_SIZE];

	if (z->io != 0)
		return err_sys(e, z->io, "read the archive");
	return err_set(e, ERR_MALFORMED, "the archive cannot be decompressed: %s",
		       entry_name_show(why != NULL ? why : "damaged", shown));
}

static int
start(struct inflate *z, struct err *e)
{
	struct archive_entry *entry;

	z->raw = archive_read_new();
	if (z->raw == NULL)
		xmalloc_failed();
	if (archive_read_support_filter_gzip(z->raw) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(z->raw) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(z->raw) != ARCHIVE_OK ||
	    archive_read_support_format_raw(z->raw) != ARCHIVE_OK)
		return err_set(e, ERR_INTERNAL, "libarchive was built without gzip, xz or zstd");
	if (archive_read_open(z->raw, z, NULL, on_input, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(z->raw, &entry) != ARCHIVE_OK)
		return failed(z, e);
	/* The input itself counts as one; a second layer of compression is only a bomb's. */
	if (archive_filter_count(z->raw) > 2)
		return err_set(e, ERR_MALFORMED, "the archive is compressed more than once");
	z->gzip = archive_filter_code(z->raw, 0) == ARCHIVE_FILTER_GZIP;
	return 0;
}

static int
begin(struct inflate *z, uint64_t limit, struct inflate **out, struct err *e)
{
	int r;

	pthread_once(&crc_once, crc_prepare);
	z->limit = limit;
	r = start(z, e);
	if (r != 0) {
		inflate_close(z);
		z = NULL;
	}
	*out = z;
	return r;
}

int
inflate_open_file(const char *path, uint64_t limit, struct inflate **out, struct err *e)
{
	struct inflate *z;
	int fd;

	*out = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "open %s", path);
	z = xcalloc(1, sizeof *z);
	z->fd = fd;
	z->block = xmalloc(BLOCK_SIZE);
	return begin(z, limit, out, e);
}

int
inflate_open_memory(const void *data, size_t len, uint64_t limit, struct inflate **out,
		    struct err *e)
{
	struct inflate *z = xcalloc(1, sizeof *z);

	z->fd = -1;
	z->rest = data;
	z->rest_len = len;
	return begin(z, limit, out, e);
}

static void
count(struct inflate *z, const unsigned char *p, size_t len)
{
	size_t tail = 0;

	while (tail < len && p[len - 1 - tail] == 0)
		tail++;
	z->zeros = tail == len ? z->zeros + len : tail;
	z->total += len;
	if (z->gzip)
		z->crc = crc_add(z->crc, p, len);
}

static int
end(struct inflate *z, struct err *e)
{
	z->ended = true;
	if (z->gzip && (little_endian(z->trailer) != z->crc ||
			little_endian(z->trailer + 4) != (uint32_t)z->total))
		return err_set(e, ERR_MALFORMED,
			       "the archive's gzip checksum is wrong, or it has several members");
	return 0;
}

int
inflate_read(struct inflate *z, const void **data, size_t *len, struct err *e)
{
	la_int64_t offset;
	int r;

	*data = NULL;
	*len = 0;
	if (z->ended)
		return 0;
	do
		r = archive_read_data_block(z->raw, data, len, &offset);
	while (r == ARCHIVE_OK && *len == 0);
	if (r == ARCHIVE_EOF) {
		*len = 0;
		return end(z, e);
	}
	if (r != ARCHIVE_OK)
		return failed(z, e);
	count(z, *data, *len);
	if (z->total > z->limit)
		return err_set(e, ERR_LIMIT, "the archive unpacks to more than %llu bytes",
			       (unsigned long long)z->limit);
	return 0;
}

uint64_t
inflate_total(const struct inflate *z)
{
	return z->total;
}

uint64_t
inflate_zeros(const struct inflate *z)
{
	return z->zeros;
}

void
inflate_close(struct inflate *z)
{
	if (z == NULL)
		return;
	archive_read_free(z->raw);
	if (z->fd >= 0)
		close(z->fd);
	free(z->block);
	free(z);
}
