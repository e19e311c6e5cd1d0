/*
 * target.h - the targets, as data. The table is generated at build time from
 * toolchains/targets/<triple>.conf: adding a target is adding a description there.
 */
#ifndef BUILDER_MODEL_TARGET_H
#define BUILDER_MODEL_TARGET_H

#include <stddef.h>
#include <stdint.h>

enum libc { LIBC_GLIBC, LIBC_MUSL, LIBC_MSVCRT };

/* What a binary for this target must be. Static data; nothing to free. */
struct target {
	const char *triple;        /* "aarch64-linux-gnu" */
	const char *node_platform; /* as clients spell it: "linux", "linuxmusl", "win32" */
	const char *node_arch;     /* process.arch: "arm64" */
	enum libc libc;
	/* Highest version that may be needed: of the C library, on Windows of Windows. */
	unsigned floor_major, floor_minor;
	unsigned char elf_class;  /* EI_CLASS: 1 = 32 bit, 2 = 64 bit */
	unsigned char elf_data;   /* EI_DATA: 1 = little endian, 2 = big endian */
	uint16_t elf_machine;     /* e_machine */
	uint32_t elf_flags_mask;  /* e_flags & mask must be … */
	uint32_t elf_flags_value; /* … this */
	uint64_t page_align;      /* least p_align of a PT_LOAD, bytes */
	const char *loader;       /* soname of the dynamic loader, may be needed */
	uint16_t pe_machine;      /* of a PE file; 0: files are ELF, which the above describes */
};

size_t target_count(void);

/* By position; the order is that of the triples. */
const struct target *target_at(size_t i);

/* By triple or by Node's name ("linux-arm64", "linuxmusl-x64"); NULL if unknown. */
const struct target *target_find(const char *name);

/* By the parts of a client's file name; NULL if unknown. */
const struct target *target_from_node(const char *platform, const char *arch);

/* "glibc", "musl", "msvcrt". */
const char *target_libc_text(const struct target *t);

/* The target that this program runs on; NULL if it is none of ours. */
const struct target *target_host(void);

#endif
