#include "tests/lib/raw_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/seed.h"

void
raw_tar_checksum(char *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < RAW_TAR_BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

/* Drops one component, as npm does, and allows eight. */
static void
keep_names(const char *name, const char *link)
{
	char *text = xasprintf("%c%s", 1 | 7 << 2, name);

	seed_keep("entry", text, strlen(text) + 1, link, strlen(link));
	free(text);
}

void
raw_tar_header(struct buf *b, const char *name, char type, const char *link, unsigned mode,
	       size_t size)
{
	char block[RAW_TAR_BLOCK] = {0};

	memcpy(block, name, strnlen(name, 100));
	snprintf(block + 100, 8, "%07o", mode & 07777777u);
	snprintf(block + 108, 8, "%07o", 1000u);
	snprintf(block + 116, 8, "%07o", 1000u);
	snprintf(block + 124, 12, "%011zo", size & 077777777777u);
	snprintf(block + 136, 12, "%011o", 1000000000u);
	block[156] = type;
	if (link != NULL)
		memcpy(block + 157, link, strnlen(link, 100));
	memcpy(block + 257, "ustar\00000", 8);
	memcpy(block + 265, "somebody", 8);
	raw_tar_checksum(block);
	buf_add(b, block, sizeof block);
	keep_names(name, link != NULL ? link : "");
}

void
raw_tar_content(struct buf *b, const void *data, size_t len)
{
	static const char zeros[RAW_TAR_BLOCK];

	buf_add(b, data, len);
	buf_add(b, zeros, (RAW_TAR_BLOCK - len % RAW_TAR_BLOCK) % RAW_TAR_BLOCK);
}

void
raw_tar_file(struct buf *b, const char *name, const char *text)
{
	raw_tar_header(b, name, '0', NULL, 0644, strlen(text));
	raw_tar_content(b, text, strlen(text));
}

void
raw_tar_pax(struct buf *b, ...)
{
	struct buf body = {0};
	const char *key;
	va_list ap;

	va_start(ap, b);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);
		size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;

		/* A record begins with its own length, which its own digits are part of. */
		while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
			len = rest + (size_t)snprintf(NULL, 0, "%zu", len);
		buf_addf(&body, "%zu %s=%s\n", len, key, value);
	}
	va_end(ap);
	raw_tar_header(b, "PaxHeader", 'x', NULL, 0644, body.len);
	raw_tar_content(b, body.data, body.len);
	buf_fini(&body);
}

void
raw_tar_end(struct buf *b)
{
	static const char zeros[2 * RAW_TAR_BLOCK];

	buf_add(b, zeros, sizeof zeros);
	seed_keep("unpack", NULL, 0, b->data, b->len);
	seed_keep("tar", "\0", 1, b->data, b->len);
}

void
raw_tar_squeeze(struct buf *b, const char *filter)
{
	size_t room = b->len + b->len / 2 + 4096, used = 0;
	struct archive_entry *entry = archive_entry_new();
	struct archive *a = archive_write_new();
	char *out = xmalloc(room);

	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "data");
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_by_name(a, filter) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open_memory(a, out, room, &used) != ARCHIVE_OK ||
	    archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, b->data, b->len) != (la_ssize_t)b->len ||
	    archive_write_close(a) != ARCHIVE_OK) {
		fprintf(stderr, "%s: %s\n", filter, archive_error_string(a));
		abort();
	}
	archive_write_free(a);
	archive_entry_free(entry);
	b->len = 0;
	buf_add(b, out, used);
	seed_keep("unpack", NULL, 0, b->data, b->len);
	seed_keep("tar", "\0", 1, b->data, b->len);
	free(out);
}
