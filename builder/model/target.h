/*
 * target.h - the targets, as data. The table is generated at build time from
 * toolchains/targets/<triple>.conf: adding a target is adding a description there.
 */
#ifndef BUILDER_MODEL_TARGET_H
#define BUILDER_MODEL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum libc { LIBC_GLIBC, LIBC_MUSL, LIBC_MSVCRT, LIBC_SYSTEM };

/* What a toolchain is assembled from. X(constant, name): the conf key `recipe`. */
#define TARGET_RECIPES(X)                                                         \
	X(RECIPE_PACKAGES, "packages")   /* packages that the locks name */       \
	X(RECIPE_MACOS_SDK, "macos-sdk") /* and an SDK that the operator gives */ \
	X(RECIPE_NONE, "none")           /* nothing: what others built is audited and served */

enum recipe {
#define X(constant, name) constant,
	TARGET_RECIPES(X)
#undef X
};

/* What a binary for this target must be. Static data; nothing to free. */
struct target {
	const char *triple;        /* "aarch64-linux-gnu" */
	const char *node_platform; /* as clients spell it: "linux", "linuxmusl", "win32" */
	const char *node_arch;     /* process.arch: "arm64" */
	enum libc libc;
	/* Highest version that may be needed: of the C library, on Windows and macOS of these. */
	unsigned floor_major, floor_minor;
	unsigned char elf_class;  /* EI_CLASS: 1 = 32 bit, 2 = 64 bit */
	unsigned char elf_data;   /* EI_DATA: 1 = little endian, 2 = big endian */
	uint16_t elf_machine;     /* e_machine */
	uint32_t elf_flags_mask;  /* e_flags & mask must be … */
	uint32_t elf_flags_value; /* … this */
	uint64_t page_align;      /* least p_align of a PT_LOAD, bytes */
	const char *loader;       /* soname of the dynamic loader, may be needed */
	uint16_t pe_machine;      /* of a PE file, else 0 */
	uint32_t macho_cpu;       /* of a Mach-O file, else 0; neither: files are ELF */
	enum recipe recipe;
	bool load_tested; /* what is built for it is loaded before it is published */
};

size_t target_count(void);

/* By position; the order is that of the triples. */
const struct target *target_at(size_t i);

/* By triple or by Node's name ("linux-arm64", "linuxmusl-x64"); NULL if unknown. */
const struct target *target_find(const char *name);

/* By the parts of a client's file name; NULL if unknown. */
const struct target *target_from_node(const char *platform, const char *arch);

/* "glibc", "musl", "msvcrt", "system". */
const char *target_libc_text(const struct target *t);

/* "packages", … */
const char *target_recipe_text(const struct target *t);

/* What is different about a target that cannot be built or loaded by everybody, for a table: "not
 * built here; not load-tested". NULL if there is nothing to say. */
const char *target_note(const struct target *t);

/* {"target","node","libc","floor","recipe","load_tested","note"}: what lists of targets show. The
 * caller frees it. */
struct json *target_json(const struct target *t);

/* The command that makes its toolchain, behind "prebuildctl toolchain assemble ": the triple, and
 * what must be given with it. NULL if there is none. The caller frees it. */
char *target_assembly(const struct target *t);

/* The target that this program runs on; NULL if it is none of ours. */
const struct target *target_host(void);

#endif
