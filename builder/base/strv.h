/*
 * strv.h - a growing, NULL-terminated vector of strings: argument lists and environments.
 */
#ifndef BUILDER_BASE_STRV_H
#define BUILDER_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

/* Plain data. {0} is empty (at is NULL then). The vector owns its strings. */
struct strv {
	char **at;
	size_t n;
};

void strv_add(struct strv *v, const char *s);
void strv_addf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_extend(struct strv *v, const struct strv *more);
bool strv_has(const struct strv *v, const char *s);
void strv_fini(struct strv *v);

#endif
