/*
 * pe_facts FILE... - prints what pe_read says of each file, one fact a line, for
 * tests/unit/pe_readobj_test.sh to compare.
 */
#include <stdio.h>

#include "builder/audit/pe_read.h"
#include "builder/base/file.h"

#define FILE_MAX (1024u * 1024 * 1024)

static void
print_facts(const struct pe *pe)
{
	printf("machine 0x%X\ntimestamp 0x%X\ncharacteristics 0x%X\nclass %s\n", pe->machine,
	       (unsigned)pe->timestamp, pe->characteristics, pe->wide ? "PE32+" : "PE32");
	printf("os %u.%u\nsubsystem %u.%u 0x%X\ndll 0x%X\nalign %u\n", pe->os_major, pe->os_minor,
	       pe->subsystem_major, pe->subsystem_minor, pe->subsystem, pe->dll_characteristics,
	       (unsigned)pe->section_align);
	for (size_t i = 0; i < pe->section_count; i++) {
		const struct pe_section *s = &pe->sections[i];

		printf("section %s 0x%X 0x%X %u 0x%X 0x%X\n", s->name[0] == '/' ? "/" : s->name,
		       (unsigned)s->size, (unsigned)s->rva, (unsigned)s->file_size,
		       (unsigned)s->offset, (unsigned)s->flags);
	}
	for (size_t i = 0; i < pe->dll_count; i++)
		printf("%s %s\n", pe->dlls[i].delayed ? "delayed" : "dll", pe->dlls[i].name);
	for (size_t i = 0; i < pe->import_count; i++) {
		const struct pe_import *m = &pe->imports[i];

		if (m->name != NULL)
			printf("import %s %s\n", pe->dlls[m->dll].name, m->name);
		else
			printf("import %s #%u\n", pe->dlls[m->dll].name, m->ordinal);
	}
	for (size_t i = 0; i < pe->export_count; i++)
		printf("export %s 0x%X\n", pe->exports[i].name, (unsigned)pe->exports[i].rva);
	printf("relocs %d\nclr %d\ncertificate %d\n", pe->has_relocs, pe->has_clr,
	       pe->has_certificate);
	if (pe->reproducible)
		printf("reproducible\n");
	if (pe->pdb != NULL)
		printf("pdb %s\n", pe->pdb);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf bytes = {0};
		struct err e = {0};
		struct pe pe;

		if (file_read(argv[i], FILE_MAX, &bytes, &e) < 0 ||
		    pe_read(bytes.data, bytes.len, &pe, &e) < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], e.msg);
			buf_fini(&bytes);
			return 1;
		}
		print_facts(&pe);
		pe_fini(&pe);
		buf_fini(&bytes);
	}
	return 0;
}
