/*
 * mem.h - allocation that cannot fail: out of memory aborts. Every size that comes from outside
 * is checked against a named limit before it gets here.
 */
#ifndef BUILDER_BASE_MEM_H
#define BUILDER_BASE_MEM_H

#include <stddef.h>

/* All return memory that the caller frees with free(). xcalloc zeroes. */
void *xmalloc(size_t size) __attribute__((returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* What the functions above do when memory is out: says so and aborts. */
_Noreturn void xmalloc_failed(void);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
