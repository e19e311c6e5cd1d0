/*
 * Fuzzes what reads archives: the input is unpacked into a folder, and searched for an addon.
 * It may be refused, but it must not crash, write next to the folder, or go past its limits.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/pack/pack.h"
#include "builder/source/unpack.h"

#define BLOCK     512
#define BYTES_MAX 100000

#define FIRST_SIZE (8 * BLOCK) /* four headers, two blocks of content, two of zeros */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static char box[256], into[300];

static void
clean_up(void)
{
	file_remove_tree(box, NULL);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(box, sizeof box, "%s/unpack-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(box) == NULL)
		abort();
	snprintf(into, sizeof into, "%s/into", box);
	atexit(clean_up);
	return 0;
}

static uint8_t *
put_header(uint8_t *b, const char *name, char type, const char *link, size_t size)
{
	memset(b, 0, BLOCK);
	memcpy(b, name, strlen(name));
	memcpy(b + 100, "0000644", 7);
	snprintf((char *)b + 124, 12, "%011zo", size);
	b[156] = (uint8_t)type;
	memcpy(b + 157, link, strlen(link));
	memcpy(b + 257, "ustar\00000", 8);
	return b + BLOCK;
}

/* What to begin with: without it, it takes long until an input looks like an archive at all. */
static size_t
first_input(uint8_t *data)
{
	static const char pax[] = "25 path=package/a/b.node\n9 size=5\n";
	uint8_t *b = data;

	memset(data, 0, FIRST_SIZE);
	b = put_header(b, "package/", '5', "", 0);
	b = put_header(b, "PaxHeader", 'x', "", sizeof pax - 1);
	memcpy(b, pax, sizeof pax - 1);
	b = put_header(b + BLOCK, "package/x", '0', "", 5);
	memcpy(b, "12345", 5);
	put_header(b + BLOCK, "package/l", '2', "a/b.node", 0);
	return FIRST_SIZE;
}

/* A random change breaks the checksum of a header, and nothing behind it is read any more. So
 * most inputs get right ones afterwards. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size < BLOCK && max >= FIRST_SIZE)
		size = first_input(data);
	else
		size = LLVMFuzzerMutate(data, size, max);
	if (seed % 8 == 0)
		return size;
	for (uint8_t *b = data; (size_t)(data + size - b) >= BLOCK; b += BLOCK) {
		unsigned sum = 0;

		if (memcmp(b + 257, "ustar", 5) != 0)
			continue;
		memset(b + 148, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++)
			sum += b[i];
		snprintf((char *)b + 148, 8, "%06o", sum);
		b[155] = ' ';
	}
	return size;
}

static size_t
count_in(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	size_t n = 0;

	if (d == NULL)
		abort();
	while ((entry = readdir(d)) != NULL)
		n++;
	closedir(d);
	return n - 2; /* without "." and ".." */
}

static void
unpack(const uint8_t *data, size_t size, const struct unpack_limits *l)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct err e = {0};
	char path[64];
	int r;

	if (fd < 0 || file_write_all(fd, data, size) != 0 || mkdir(into, 0755) != 0)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	r = unpack_file(path, into, l, &e);
	if ((r == 0) != (e.code == 0) || r > 0 || (r != 0 && e.msg[0] == '\0'))
		abort();
	if (count_in(box) != 1 || count_in(into) > l->entries)
		abort();
	close(fd);
	if (file_remove_tree(into, NULL) != 0)
		abort();
}

static void
find(const uint8_t *data, size_t size)
{
	struct err e = {0};
	size_t len = 0;
	void *bytes;
	char *name;
	int r;

	r = pack_find_addon(data, size, BYTES_MAX, &name, &bytes, &len, &e);
	if ((r == 0) != (name != NULL) || (r == 0) != (bytes != NULL) || len > BYTES_MAX)
		abort();
	if (r == 0 && (strlen(name) < 5 || name[0] == '/' || strstr(name, "../") != NULL))
		abort();
	free(name);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack_limits l = {.bytes = BYTES_MAX, .entries = 50, .depth = 8};

	l.strip = size % 2;
	l.allow_links = size % 3 != 0;
	unpack(data, size, &l);
	find(data, size);
	return 0;
}
