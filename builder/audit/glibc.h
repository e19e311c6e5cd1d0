/*
 * glibc.h - what glibc has had only since some version. An addon that is linked against an older one
 * has such names without a version.
 */
#ifndef BUILDER_AUDIT_GLIBC_H
#define BUILDER_AUDIT_GLIBC_H

#include <stddef.h>

struct glibc_name {
	const char *name;
	unsigned since; /* 2.x */
};

extern const struct glibc_name glibc_table[];
extern const size_t glibc_table_count;

/* The minor version of glibc 2.x that first has the symbol; 0 if that is not above the oldest floor,
 * 2.17, or above the table's. */
unsigned glibc_since(const char *symbol);

#endif
