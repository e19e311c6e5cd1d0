/*
 * elf_facts FILE… - prints what elf_read says of each file, for tests/lib/elf_compare.sh.
 */
#include <stdio.h>

#include "builder/audit/elf_read.h"
#include "builder/base/file.h"
#include "tests/lib/facts.h"

#define FILE_MAX (1024u * 1024 * 1024)

static void
print_relocs(const struct elf *elf, const void *data)
{
	for (size_t table = 0; table < 3; table++)
		for (size_t i = 0; i < elf->relocs[table].count; i++) {
			struct elf_reloc r = elf_reloc_at(elf, data, table, i);

			facts_reloc(elf, &r, elf->relocs[table].addends);
		}
}

/* A file that cannot be read is a difference from the reader that can. */
static int
print_file(const char *path)
{
	struct buf bytes = {0};
	struct err e = {0};
	struct elf elf;
	int rc;

	facts_file(path);
	rc = file_read(path, FILE_MAX, &bytes, &e);
	if (rc == 0)
		rc = elf_read(bytes.data, bytes.len, &elf, &e);
	if (rc < 0) {
		printf("error %s\n", e.msg);
		buf_fini(&bytes);
		return rc;
	}
	facts_print(&elf);
	print_relocs(&elf, bytes.data);
	if (elf.arm_arch != 0)
		printf("arm-arch %u\n", elf.arm_arch);
	elf_fini(&elf);
	buf_fini(&bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= print_file(argv[i]) < 0;
	return failed;
}
