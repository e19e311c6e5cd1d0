/*
 * x86_code.h - what the functions of an x86 file are made of, and which the addon's entry reaches.
 *
 * Functions are what the table for unwinding names; code outside of them (assembly without that
 * information, or everything where a compiler was told to leave it out) is taken in one piece,
 * and believed only if all of it can be decoded, since it may be data.
 */
#ifndef BUILDER_AUDIT_X86_CODE_H
#define BUILDER_AUDIT_X86_CODE_H

#include "builder/audit/x86_insn.h"

struct elf;

/* More code, or references in it, is not looked at. */
#define X86_CODE_MAX       (192u << 20) /* bytes */
#define X86_REFERENCES_MAX 8000000

struct x86_function {
	uint64_t start, end; /* virtual addresses */
	uint64_t offset;     /* in the file */
	bool named;          /* by the table for unwinding */
	bool decoded;        /* so that the following is known */
	bool tests;          /* has CPUID or XGETBV */
	bool vector, sse;    /* has such instructions, x86_insn.h */
	uint32_t sets;       /* bits of enum x86_set */
	uint64_t newer;      /* address of the first instruction of such a set, if sets != 0 */
	const char *name;    /* of that instruction */
};

struct x86_reference {
	uint64_t to;
	uint32_t from; /* index of the function */
	uint32_t kind; /* enum x86_refers */
};

struct x86_code {
	struct x86_function *functions; /* by address */
	size_t count;
	struct x86_reference *references; /* by function; those that leave it */
	size_t reference_count;
	bool cut; /* a limit above was passed */
};

/*
 * Fills *out; x86_code_fini frees it. `data` is what elf_read was given, of `len` bytes. True if
 * some function has an instruction of a newer set: only then is all of the code decoded. Never
 * fails. Takes time in proportion to the code's length.
 */
bool x86_code_read(const struct elf *elf, const void *data, size_t len, struct x86_code *out);
void x86_code_fini(struct x86_code *code);

/* The function that begins at or contains the address; NULL if none does. */
struct x86_function *x86_code_at(const struct x86_code *code, uint64_t vaddr);

/* Does anything in the code, or what it imports from the compiler's runtime, ask the processor? */
bool x86_code_tests(const struct x86_code *code, const struct elf *elf);

/*
 * The part of the code that runs whatever the processor is: followed from where Node enters, by
 * calls and by addresses that are taken, up to functions that look at which extensions there are:
 * those that ask the processor, those that call them, and those that read what these have stored.
 * Pointers in data are not followed: tables of variants for each processor are made of them.
 */
struct x86_reached {
	size_t vector;                    /* functions with AVX */
	size_t newer;                     /* of the others, those with newer sets */
	size_t sse;                       /* of the others, those with SSE and SSE2 */
	uint32_t sets;                    /* of all of them */
	const struct x86_function *first; /* with newer sets; NULL if there is none */
	const char *entry;                /* what `first` was reached from, static or in `data` */
};
void x86_code_reach(const struct x86_code *code, const struct elf *elf, const void *data,
		    struct x86_reached *out);

#endif
