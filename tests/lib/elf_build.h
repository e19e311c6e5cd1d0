/*
 * elf_build.h - makes small shared objects from a description, for tests: any class, byte order
 * and machine, right or wrong in one thing. They have no section headers unless
 * they need one, so what reads them can only use what a loader uses.
 */
#ifndef TESTS_LIB_ELF_BUILD_H
#define TESTS_LIB_ELF_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/buf.h"

#define ELF_SPEC_SYMBOLS 16
#define ELF_SPEC_NEEDED  8
#define ELF_SPEC_RELOCS  4

/* A symbol without a name ends the list. Undefined unless it is defined or has code. */
struct elf_spec_symbol {
	const char *name;
	const char *version, *file; /* of an undefined one: "GLIBC_2.17" from "libc.so.6" */
	const char *code;           /* hexadecimal: what stands at its address */
	bool defined, weak, hidden, thumb;
	bool looked_up; /* a JUMP_SLOT relocation refers to it */
};

struct elf_spec {
	unsigned char class, data, osabi;
	uint16_t type, machine;
	uint32_t flags;
	uint64_t align;
	const char *needed[ELF_SPEC_NEEDED];
	const char *soname, *rpath, *runpath, *interp;
	struct elf_spec_symbol symbols[ELF_SPEC_SYMBOLS];
	uint64_t dt_flags, dt_flags_1;
	uint32_t relocs[ELF_SPEC_RELOCS]; /* types, each for symbol 0 */
	uint32_t x86_isa;                 /* GNU_PROPERTY_X86_ISA_1_NEEDED */
	const char *text;                 /* a constant */
	const char *arm_attributes;       /* hexadecimal; the file then has section headers */
	unsigned module_abi;              /* a struct node_module with this nm_version */
	uint32_t relative;                /* the machine's type of relative relocations */
	bool textrel; /* DT_TEXTREL; relocs are those of read-only memory then */
	bool relr, init, tls;
	bool relocs_overlap;        /* DT_REL or DT_RELA ends with DT_JMPREL */
	bool gnu_hash, both_hashes; /* DT_HASH alone otherwise */
	bool no_stack, exec_stack, no_relro, writable_text, shifted, no_dynamic;
};

/* Makes the file in `out`, which is empty before. */
void elf_build(const struct elf_spec *spec, struct buf *out);

/* Adds a symbol to the end of the list. */
void elf_build_symbol(struct elf_spec *spec, struct elf_spec_symbol symbol);

#endif
