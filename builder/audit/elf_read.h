/*
 * elf_read.h - an ELF file's facts, from bytes that may be hostile.
 *
 * (pointer, length) in, facts out: no I/O, no assertion on input, every offset checked against
 * the length. Works for 32 and 64 bit, both byte orders, with or without section headers: what
 * the loader uses (program headers, PT_DYNAMIC) is authoritative, section headers are only used
 * for evidence that the loader does not need. Source: System V gABI, chapters 4 and 5, and the
 * GNU extensions for symbol versions (LSB 5.0 core, 10.7).
 */
#ifndef BUILDER_AUDIT_ELF_READ_H
#define BUILDER_AUDIT_ELF_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

#define ELF_PHDRS_MAX    128
#define ELF_SHDRS_MAX    10000
#define ELF_DYNAMIC_MAX  4096
#define ELF_SYMBOLS_MAX  1000000
#define ELF_NEEDED_MAX   256
#define ELF_VERSIONS_MAX 4096
#define ELF_RELOCS_MAX   4000000
#define ELF_BUILD_ID_MAX 64 /* bytes */

/* All strings point into the file's bytes (NUL-terminated there) or are static; they live as
 * long as the bytes that elf_read was given. */
struct elf_symbol {
	const char *name;
	const char *version; /* "GLIBC_2.17", or NULL if unversioned */
	const char *file;    /* soname that the version is needed from, or NULL */
	uint64_t value, size;
	unsigned char type;    /* STT_* */
	unsigned char binding; /* STB_* */
	unsigned char visibility;
	bool defined;
	bool hidden_version; /* VERSYM_HIDDEN */
};

struct elf_version_need {
	const char *file;    /* "libc.so.6" */
	const char *version; /* "GLIBC_2.17" */
	bool weak;           /* VER_FLG_WEAK */
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

struct elf_section {
	const char *name; /* "" if the string table cannot be read */
	uint32_t type;
	uint64_t flags, addr, offset, size;
};

/* A relocation table's place in the file. */
struct elf_reloc_table {
	uint64_t offset;
	size_t count;
	bool addends; /* RELA */
};

struct elf_reloc {
	uint64_t offset; /* virtual address of what is changed */
	uint64_t addend; /* 0 without addends: it then stands at that address */
	uint32_t type;   /* R_<machine>_* */
	uint32_t symbol; /* 0, or 1 + index into symbols */
};

struct elf {
	unsigned char class, data, osabi;
	uint16_t type, machine;
	uint32_t flags;
	uint64_t entry;

	struct elf_segment *segments;
	size_t segment_count;

	const char *interp; /* PT_INTERP, or NULL */
	const char *soname; /* DT_SONAME, or NULL */
	const char *rpath, *runpath;
	const char **needed; /* DT_NEEDED, in order */
	size_t needed_count;

	bool has_dynamic;
	uint64_t dt_flags, dt_flags_1; /* DT_FLAGS, DT_FLAGS_1 */
	bool textrel;                  /* DT_TEXTREL or DF_TEXTREL */
	bool bind_now;                 /* DT_BIND_NOW, DF_BIND_NOW or DF_1_NOW */
	bool static_tls;               /* DF_STATIC_TLS */
	bool has_relr;                 /* DT_RELR */
	bool has_hash, has_gnu_hash;
	bool has_init; /* DT_INIT or a non-empty DT_INIT_ARRAY */
	uint64_t init; /* DT_INIT, 0 if there is none */
	uint64_t init_array, init_array_size;
	uint64_t got;       /* DT_PLTGOT, 0 if there is none */
	bool has_gnu_stack; /* PT_GNU_STACK is there */
	bool exec_stack;    /* PT_GNU_STACK is executable */
	bool has_relro;     /* PT_GNU_RELRO */

	struct elf_symbol *symbols; /* the dynamic symbol table without its null entry */
	size_t symbol_count;
	struct elf_version_need *needs;
	size_t need_count;

	struct elf_reloc_table relocs[3]; /* DT_REL, DT_RELA, DT_JMPREL; count 0 if absent */
	size_t relative_count[2];         /* DT_RELCOUNT, DT_RELACOUNT: the first are relative */

	uint32_t x86_isa_needed; /* GNU_PROPERTY_X86_ISA_1_NEEDED, 0 if not stated */
	unsigned arm_arch;       /* .ARM.attributes: 4 to 9 for ARMv4 to ARMv9, 0 if not stated */

	/* Evidence only: empty if the file has no section headers or they cannot be read. */
	struct elf_section *sections;
	size_t section_count;
	bool sections_cut; /* the header says that they are where the file has ended */

	const char *build_id; /* hex text owned by the struct, or NULL */
	bool has_debug_info;  /* a .debug_info section is there */
};

/*
 * Fills *out. 0; ERR_MALFORMED with what is wrong and where; ERR_LIMIT if a named limit above is
 * passed; ERR_UNSUPPORTED if the bytes are no ELF file at all. On failure nothing is held. After
 * success the caller calls elf_fini. Pure.
 */
int elf_read(const void *data, size_t len, struct elf *out, struct err *e);
void elf_fini(struct elf *elf);

/* One relocation, read from the bytes that elf_read was given; i < relocs[table].count. */
struct elf_reloc elf_reloc_at(const struct elf *elf, const void *data, size_t table, size_t i);

/* File offset of a virtual address that lies in a PT_LOAD's file part with `size` bytes there;
 * returns false if it does not. */
bool elf_offset(const struct elf *elf, uint64_t vaddr, uint64_t size, uint64_t *offset);

#endif
