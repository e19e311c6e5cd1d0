/*
 * pe_read.h - the facts of a Windows DLL, from bytes that may be hostile.
 *
 * (pointer, length) in, facts out: no I/O, no assertion on input, every offset checked against the
 * length. Both classes: PE32 and PE32+. Source: Microsoft's "PE Format" specification (optional
 * header, data directories, delay-load tables).
 */
#ifndef BUILDER_AUDIT_PE_READ_H
#define BUILDER_AUDIT_PE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

#define PE_SECTIONS_MAX 96 /* what Windows itself accepts */
#define PE_DLLS_MAX     512
#define PE_IMPORTS_MAX  100000
#define PE_EXPORTS_MAX  100000
#define PE_DEBUG_MAX    64
#define PE_STRING_MAX   4096 /* bytes of a name, with its NUL */

#define PE_MACHINE_I386  0x14c
#define PE_MACHINE_AMD64 0x8664
#define PE_MACHINE_ARM64 0xaa64

/* File header, Characteristics. */
#define PE_FILE_RELOCS_STRIPPED 0x0001
#define PE_FILE_DLL             0x2000

/* Optional header, DllCharacteristics. */
#define PE_DLL_HIGH_ENTROPY 0x0020
#define PE_DLL_DYNAMIC_BASE 0x0040
#define PE_DLL_NX           0x0100

/* Section flags. */
#define PE_SECTION_CODE    0x00000020
#define PE_SECTION_DATA    0x00000040
#define PE_SECTION_EXECUTE 0x20000000
#define PE_SECTION_WRITE   0x80000000

/* All strings point into the file's bytes (NUL-terminated there); they live as long as the bytes that
 * pe_read was given. */
struct pe_section {
	char name[9];
	uint32_t rva, size;         /* in memory */
	uint32_t offset, file_size; /* in the file */
	uint32_t flags;
};

struct pe_dll {
	const char *name; /* "KERNEL32.dll" */
	bool delayed;     /* loaded at the first call */
};

struct pe_import {
	size_t dll;       /* index into dlls */
	const char *name; /* NULL: by number */
	uint16_t ordinal;
};

struct pe_export {
	const char *name;
	uint32_t rva;
	bool forwarded; /* the address is that of a name in another DLL */
};

struct pe {
	bool wide; /* PE32+ */
	uint16_t machine, characteristics, subsystem, dll_characteristics;
	uint32_t timestamp, section_align;
	uint16_t os_major, os_minor, subsystem_major, subsystem_minor;

	struct pe_section *sections;
	size_t section_count;
	struct pe_dll *dlls; /* in the order of the file; the delayed ones are last */
	size_t dll_count;
	struct pe_import *imports;
	size_t import_count;
	struct pe_export *exports; /* those with a name */
	size_t export_count;

	bool has_relocs;      /* a base relocation table that is not empty */
	bool has_clr;         /* managed code */
	bool has_certificate; /* Authenticode */
	bool reproducible;    /* the time stamp is a digest of the contents */
	const char *pdb;      /* path of the debug data, or NULL */
};

/*
 * Fills *out. 0; ERR_MALFORMED with what is wrong and where; ERR_LIMIT if a named limit above is
 * passed; ERR_UNSUPPORTED if the bytes are no PE file at all. On failure nothing is held. After
 * success the caller calls pe_fini. Pure.
 */
int pe_read(const void *data, size_t len, struct pe *out, struct err *e);
void pe_fini(struct pe *pe);

/* File offset of an address (relative to the image) that has `size` bytes in the file; false if it
 * has not. */
bool pe_offset(const struct pe *pe, size_t len, uint32_t rva, uint32_t size, size_t *offset);

#endif
