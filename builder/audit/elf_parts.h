/*
 * elf_parts.h - what the files that make up elf_read share; nobody else includes this.
 */
#ifndef BUILDER_AUDIT_ELF_PARTS_H
#define BUILDER_AUDIT_ELF_PARTS_H

#include <string.h>

#include "builder/audit/elf_read.h"

/* The file's bytes and how numbers are written in them. */
struct elf_bytes {
	const unsigned char *data;
	size_t len;
	bool big;  /* most significant byte first */
	bool wide; /* 64-bit class */
};

/* What PT_DYNAMIC says; places are virtual addresses, strings are offsets in the string table. */
struct elf_dynamic {
	uint64_t strtab, strsz, symtab, syment, hash, gnu_hash, versym, verneed, verdef;
	uint64_t rel, relsz, rela, relasz, jmprel, pltrelsz, pltrel;
	uint64_t mips_symtabno;
	bool has_strtab, has_symtab;
};

struct elf_reader {
	struct elf_bytes bytes;
	struct elf_dynamic dynamic;
	uint64_t strings; /* file offset of the dynamic string table */
	uint64_t
		strings_size; /* up to and with its last NUL: every string that starts below ends */
	struct elf *elf;
	struct err *err;
};

/* Is [offset, offset + size) inside the file? Everything below is called after asking this. */
static inline bool
bytes_have(const struct elf_bytes *b, uint64_t offset, uint64_t size)
{
	return offset <= b->len && size <= b->len - offset;
}

static inline uint16_t
bytes_u16(const struct elf_bytes *b, uint64_t offset)
{
	uint16_t v;

	memcpy(&v, b->data + offset, sizeof v);
	return b->big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? __builtin_bswap16(v) : v;
}

static inline uint32_t
bytes_u32(const struct elf_bytes *b, uint64_t offset)
{
	uint32_t v;

	/* The caller has checked the range, so that there are bytes: the analyzer cannot see it. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	memcpy(&v, b->data + offset, sizeof v);
	return b->big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? __builtin_bswap32(v) : v;
}

static inline uint64_t
bytes_u64(const struct elf_bytes *b, uint64_t offset)
{
	uint64_t v;

	memcpy(&v, b->data + offset, sizeof v);
	return b->big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? __builtin_bswap64(v) : v;
}

/* An address, offset or size of the file's class. */
static inline uint64_t
bytes_word(const struct elf_bytes *b, uint64_t offset)
{
	return b->wide ? bytes_u64(b, offset) : bytes_u32(b, offset);
}

/* elf_sections.c: never fails but for ELF_SHDRS_MAX; what cannot be read is left out. */
int elf_read_sections(struct elf_reader *r);

/* elf_notes.c: build id and x86 property; malformed notes are skipped, as loaders do. */
void elf_read_notes(struct elf_reader *r);

/* elf_arm.c: .ARM.attributes, if there is such a section; what cannot be read is left out. */
void elf_read_arm(struct elf_reader *r);

/* elf_symbols.c: dynamic symbols and version needs. */
int elf_read_symbols(struct elf_reader *r);

/* elf_relocs.c: where the relocation tables are; their entries are read on demand. */
int elf_read_relocs(struct elf_reader *r);

/* elf_read.c: string at an offset of the dynamic string table; `what` names it in an error. */
int elf_dynamic_string(struct elf_reader *r, uint64_t offset, const char *what, const char **out);

#endif
