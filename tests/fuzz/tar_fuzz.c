/*
 * tar_fuzz.c - libFuzzer harness for what reads archives in memory: the layer of compression, the
 * entries, the search for a client's addon. The first byte chooses whether the rest is packed with gzip
 * first, so that what is behind a right checksum is reached, and whether files are read to their end.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/pack/pack.h"
#include "builder/pack/tar_reader.h"
#include "tests/fuzz/tar_input.h"
#include "tests/lib/raw_tar.h"

#define BYTES_MAX   100000
#define ENTRIES_MAX 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size == 0 || max < 2)
		return size;
	if (seed % 64 < 2)
		data[0] ^= (uint8_t)(1 + seed % 64);
	return 1 + tar_input_mutate(data + 1, size - 1, max - 1, seed / 64);
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Reads a file's content, or only its beginning. */
static int
read_content(struct tar_reader *t, const struct tar_entry *entry, bool all, struct err *e)
{
	const void *piece;
	uint64_t sum = 0;
	size_t len;
	int r;

	do {
		r = tar_reader_data(t, &piece, &len, e);
		if (r != 0)
			return r;
		sum += len;
	} while (len > 0 && all);
	must(all ? sum == entry->size : sum <= entry->size);
	return 0;
}

static void
read_entries(const struct buf *b, bool all)
{
	struct tar_limits limits = {.bytes = BYTES_MAX, .entries = ENTRIES_MAX};
	struct tar_reader *t;
	struct tar_entry entry;
	struct err e = {0};
	uint64_t bytes = 0;
	size_t count = 0;
	int r = tar_reader_open_memory(b->data, b->len, &limits, &t, &e);

	must((r == 0) == (t != NULL));
	while (r == 0 && (r = tar_reader_next(t, &entry, &e)) > 0) {
		must(++count <= ENTRIES_MAX && entry.name != NULL);
		must((entry.type == TAR_LINK) == (entry.target != NULL));
		must(entry.type == TAR_FILE || entry.size == 0);
		bytes += entry.size;
		must(bytes <= BYTES_MAX);
		r = read_content(t, &entry, all, &e);
	}
	must((r == 0) == (e.msg[0] == '\0') && r <= 0);
	tar_reader_close(t);
}

static void
find(const struct buf *b)
{
	struct err e = {0};
	size_t len = 0;
	void *bytes;
	char *name;
	int r = pack_find_addon(b->data, b->len, BYTES_MAX, &name, &bytes, &len, &e);

	must((r == 0) == (name != NULL) && (r == 0) == (bytes != NULL) && len <= BYTES_MAX);
	must((r == 0) == (e.msg[0] == '\0') && r <= 0);
	if (r == 0)
		must(strlen(name) >= 5 && name[0] != '/' && strstr(name, "../") == NULL);
	free(name);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = {0};

	if (size < 2)
		return 0;
	buf_add(&b, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		raw_tar_squeeze(&b, "gzip");
	read_entries(&b, (data[0] & 2) == 0);
	find(&b);
	buf_fini(&b);
	return 0;
}
