/*
 * macho_build.h - makes small macOS addons from a description, for tests: thin or universal, signed,
 * right or wrong in one thing.
 */
#ifndef TESTS_LIB_MACHO_BUILD_H
#define TESTS_LIB_MACHO_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "builder/base/buf.h"

#define MACHO_SPEC_LIBS    4
#define MACHO_SPEC_SYMBOLS 8

/* Names are as in C, without the underscore; one without a name ends the list. */
struct macho_spec_symbol {
	const char *name;
	bool defined, weak;
	uint8_t from; /* of one that is not defined */
};

struct macho_spec {
	uint32_t magic, cpu, subtype, type, flags;
	uint32_t platform; /* 0: the older command, LC_VERSION_MIN_MACOSX */
	uint32_t os;       /* 0x000b0000 is 11.0; 0: neither command */
	uint32_t protection;
	uint32_t shift; /* the code's segment begins that much too far */
	const char *libs[MACHO_SPEC_LIBS];
	const char *rpath, *id, *object;
	struct macho_spec_symbol symbols[MACHO_SPEC_SYMBOLS];
	const char
		*code; /* hexadecimal: what stands at the address of everything that is defined */
	bool no_uuid, no_signature;
	unsigned hash_type, page_bits; /* of the signature */
	uint32_t covered;              /* bytes that it covers; 0: all before it */
};

/* A Node-API addon for arm64 against which nothing can be said; uses and declares version 6. */
struct macho_spec macho_spec_good(void);

/* The same for x86-64. */
struct macho_spec macho_spec_x64(void);

/* Makes the file in `out`, which is empty before. */
void macho_build(const struct macho_spec *spec, struct buf *out);

/* A universal file of `count` parts, each on a page of `align`; wide: its list has 64-bit numbers. */
void macho_build_universal(const struct macho_spec *specs, unsigned count, bool wide,
			   uint32_t align, struct buf *out);

#endif
