/*
 * musl.h - what musl exports. Its symbols have no versions, so the names are all there is to
 * judge a file by.
 */
#ifndef BUILDER_AUDIT_MUSL_H
#define BUILDER_AUDIT_MUSL_H

#include <stddef.h>

extern const char *const musl_table[];
extern const size_t musl_table_count;

/* The minor version of musl 1.x that first has the symbol, 1 for all up to 1.1; 0 if no version up
 * to the table's has it. */
unsigned musl_since(const char *symbol);

#endif
