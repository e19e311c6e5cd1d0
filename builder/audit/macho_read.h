/*
 * macho_read.h - the facts of a macOS addon, from bytes that may be hostile.
 *
 * (pointer, length) in, facts out: no I/O, every offset checked against the length. 64-bit files and,
 * of universal ones, the slices. Source: Apple's <mach-o/loader.h>, <mach-o/fat.h>, <mach-o/nlist.h>.
 */
#ifndef BUILDER_AUDIT_MACHO_READ_H
#define BUILDER_AUDIT_MACHO_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/err.h"

#define MACHO_SLICES_MAX   16
#define MACHO_COMMANDS_MAX 4096
#define MACHO_LIBS_MAX     512
#define MACHO_SEGMENTS_MAX 64
#define MACHO_SYMBOLS_MAX  200000
#define MACHO_STRING_MAX   4096 /* bytes of a name, with its NUL */

#define MACHO_CPU_X86_64 0x01000007u
#define MACHO_CPU_ARM64  0x0100000cu

/* The machine's own kind of a cpu: not every processor of the machine runs it. */
#define MACHO_X86_64_HASWELL 8u
#define MACHO_ARM64E         2u

/* File types that dlopen loads. */
#define MACHO_DYLIB  6u
#define MACHO_BUNDLE 8u

/* Header flag: each name is looked up in the library that it was linked to. */
#define MACHO_TWO_LEVEL 0x80u

#define MACHO_PLATFORM_MACOS 1u

/* Protection of a segment. */
#define MACHO_WRITE   2u
#define MACHO_EXECUTE 4u

/* In whom a name is looked up, if not in library 1, 2 …: in the file itself, in the program, in all
 * that is loaded. */
#define MACHO_FROM_SELF    0u
#define MACHO_FROM_PROGRAM 0xffu
#define MACHO_FROM_ANY     0xfeu

/* Where one machine's part of a file lies; a file that is not universal is one slice. */
struct macho_slice {
	size_t offset, len;
};

/* Strings point into the file's bytes and live as long as these. */
struct macho_symbol {
	const char *name; /* without the leading underscore */
	bool defined;     /* here, and visible to others; else it is needed */
	bool weak;        /* needed, but nothing fails if nobody has it */
	uint8_t from;     /* of what is needed: the number of a library, or MACHO_FROM_… */
	uint64_t address; /* of what is defined */
};

struct macho_segment {
	char name[17];
	uint64_t address, memory_size;
	uint64_t offset, size; /* in the file */
	uint32_t protection;
};

struct macho {
	uint32_t cpu, subtype, type, flags;
	uint32_t platform;           /* 0 if it is not said */
	unsigned os_major, os_minor; /* the oldest that it runs on; zero if it is not said */
	bool has_uuid, has_signature;
	uint32_t signature_offset, signature_size;
	const char *id;     /* a library's own name, or NULL */
	const char *object; /* path of an object file, of debug data; or NULL */
	const char **libs;  /* install names of what is needed */
	size_t lib_count;
	const char **rpaths;
	size_t rpath_count;
	struct macho_segment segments[MACHO_SEGMENTS_MAX];
	size_t segment_count;
	struct macho_symbol *symbols; /* external ones */
	size_t symbol_count;
};

/* "arm64", "arm64e", "x86-64", "x86-64h", "another machine". */
const char *macho_cpu_text(uint32_t cpu, uint32_t subtype);

/* The slices of a file; 0, ERR_MALFORMED, ERR_LIMIT, or ERR_UNSUPPORTED if it is no Mach-O file. */
int macho_slices(const void *data, size_t len, struct macho_slice out[MACHO_SLICES_MAX],
		 size_t *count, struct err *e);

/* Reads one slice, from its own first byte. 0; ERR_MALFORMED; ERR_LIMIT; ERR_UNSUPPORTED for 32 bits or
 * big-endian. On failure nothing is held; after success the caller calls macho_fini. Pure. */
int macho_read(const void *data, size_t len, struct macho *out, struct err *e);
void macho_fini(struct macho *m);

/* Offset in the slice of an address, and how many bytes of its segment follow; false if it is not in the
 * file. */
bool
macho_offset(const struct macho *m, size_t len, uint64_t address, size_t *offset, size_t *left);

#endif
