/*
 * utf8.h - is a text UTF-8 (RFC 3629: the shortest form, no surrogates, up to U+10FFFF)?
 */
#ifndef BUILDER_BASE_UTF8_H
#define BUILDER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "builder/base/buf.h"

#define UTF8_MAX 4 /* bytes of a character */

/* The length in bytes of the character at s, of which n bytes are there; 0 if there is none. *c is the
 * character. A NUL byte is one. */
size_t utf8_next(const char *s, size_t n, uint32_t *c);

bool utf8_valid(const char *s, size_t n);

/* Appends the bytes, with U+FFFD for each that belongs to no character, and for each NUL. */
void utf8_add(struct buf *out, const char *s, size_t n);

#endif
