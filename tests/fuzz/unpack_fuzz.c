/*
 * unpack_fuzz.c - libFuzzer harness for what unpacks archives: the input may be refused, but it must
 * not crash, write next to the folder that it is unpacked into, or go past its limits.
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
#include "builder/source/unpack.h"
#include "tests/fuzz/tar_input.h"

#define BYTES_MAX 100000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

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

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return tar_input_mutate(data, size, max, seed);
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack_limits l = {.bytes = BYTES_MAX, .entries = 50, .depth = 8};

	l.strip = size % 2;
	l.allow_links = size % 3 != 0;
	unpack(data, size, &l);
	return 0;
}
