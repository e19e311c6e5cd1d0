/*
 * buf.h - a growing byte buffer, always NUL-terminated once something was added.
 */
#ifndef BUILDER_BASE_BUF_H
#define BUILDER_BASE_BUF_H

#include <stddef.h>

/* Plain data. {0} is an empty buffer. data belongs to the buffer until buf_take. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for at least `more` bytes after len and returns where they start; the caller adds
 * what it wrote to len. */
char *buf_reserve(struct buf *b, size_t more) __attribute__((returns_nonnull));

/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* The content as a NUL-terminated string that the caller frees; the buffer is empty after it. */
char *buf_take(struct buf *b);

/* Frees the content; the buffer may be used again. */
void buf_fini(struct buf *b);

#endif
