/*
 * pe_build.h - makes small Windows DLLs from a description, for tests: either class, any machine, right
 * or wrong in one thing. Everything lies in one section.
 */
#ifndef TESTS_LIB_PE_BUILD_H
#define TESTS_LIB_PE_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/buf.h"

#define PE_SPEC_DLLS    4
#define PE_SPEC_IMPORTS 6
#define PE_SPEC_EXPORTS 4

/* An imported DLL; one without a name ends the list. A function's name that begins with '#' stands for
 * a number, as in "#7". */
struct pe_spec_dll {
	const char *name;
	bool delayed;
	bool addresses; /* of a delayed one: written as old linkers did */
	const char *functions[PE_SPEC_IMPORTS];
};

struct pe_spec {
	uint16_t machine, characteristics, subsystem, dll_characteristics;
	uint16_t subsystem_major, subsystem_minor;
	uint32_t timestamp, section_align, section_flags;
	bool narrow; /* PE32 */
	struct pe_spec_dll dlls[PE_SPEC_DLLS];
	const char *exports[PE_SPEC_EXPORTS];
	const char *code; /* hexadecimal: what stands at the address of every export */
	const char *pdb;
	bool no_relocs, clr, repro;
};

/* A Node-API addon for x64 against which nothing can be said; uses and declares version 6. */
struct pe_spec pe_spec_good(void);

/* Makes the file in `out`, which is empty before. */
void pe_build(const struct pe_spec *spec, struct buf *out);

#endif
