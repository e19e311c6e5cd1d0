#include "builder/base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"

static void
add_owned(struct strv *v, char *s)
{
	v->at = xrealloc(v->at, (v->n + 2) * sizeof *v->at);
	v->at[v->n++] = s;
	v->at[v->n] = NULL;
}

void
strv_add(struct strv *v, const char *s)
{
	add_owned(v, xstrdup(s));
}

void
strv_addf(struct strv *v, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		xmalloc_failed();
	va_end(ap);
	add_owned(v, s);
}

void
strv_extend(struct strv *v, const struct strv *more)
{
	for (size_t i = 0; i < more->n; i++)
		strv_add(v, more->at[i]);
}

bool
strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->at[i], s) == 0)
			return true;
	return false;
}

void
strv_fini(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->at[i]);
	free(v->at);
	*v = (struct strv){0};
}
