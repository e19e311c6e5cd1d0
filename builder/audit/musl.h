/*
 * musl.h - what musl exports, by architecture. Its symbols have no versions, so the names are all
 * there is to judge a file by. The tables are made by musl_table.sh out of the toolchains.
 */
#ifndef BUILDER_AUDIT_MUSL_H
#define BUILDER_AUDIT_MUSL_H

#include <stddef.h>
#include <stdint.h>

/* Bit in the table, e_machine, first word of the target's triple. musl_table.sh reads this too. */
#define MUSL_ARCHITECTURES(X)            \
	X(0x01, EM_X86_64, "x86_64")     \
	X(0x02, EM_AARCH64, "aarch64")   \
	X(0x04, EM_ARM, "arm")           \
	X(0x08, EM_386, "i686")          \
	X(0x10, EM_PPC64, "powerpc64le") \
	X(0x20, EM_S390, "s390x")        \
	X(0x40, EM_RISCV, "riscv64")
#define MUSL_NEW 0x80 /* no musl 1.1 had it */

struct musl_name {
	const char *name;
	unsigned char bits;
};

/* What musl exports on any architecture, and what glibc exports that musl has on none; by name. */
extern const struct musl_name musl_table[];
extern const size_t musl_table_count;
extern const char *const musl_missing[];
extern const size_t musl_missing_count;

/* The minor version of musl 1.x that first has the symbol on that machine (e_machine), 1 for all
 * up to 1.1; 0 if no version up to the table's has it. */
unsigned musl_since(const char *symbol, uint16_t machine);

/* Who has a symbol that musl does not have on some machine: "in musl on x86_64, i686", "in glibc",
 * or "" if neither is known to. */
#define MUSL_ELSEWHERE_SIZE 100
void musl_elsewhere(const char *symbol, char out[MUSL_ELSEWHERE_SIZE]);

#endif
