#include "builder/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *name;
	int http;
	int exit;
} table[] = {
#define X(constant, value, name, http, exit) {value, name, http, exit},
	ERR_CODES(X)
#undef X
};

#define TABLE_SIZE (sizeof table / sizeof table[0])

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	if (e->code != 0)
		return e->code;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (e == NULL)
		return code;
	if (e->code != 0)
		return e->code;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror(-code));
	return code;
}

int
err_context(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->msg];
	va_list ap;
	size_t n;

	if (e == NULL)
		return ERR_INTERNAL;
	memcpy(old, e->msg, sizeof old);
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", old);
	return e->code;
}

const char *
err_name(int code)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i].code == code)
			return table[i].name;
	return code == 0 ? "ok" : "system";
}

int
err_http(int code)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i].code == code)
			return table[i].http;
	if (code == -ENOSPC || code == -EDQUOT)
		return 507;
	return code == 0 ? 200 : 500;
}

int
err_exit(int code)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (table[i].code == code)
			return table[i].exit;
	return code == 0 ? 0 : 1;
}

int
err_from_name(const char *name)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].code;
	return ERR_INTERNAL;
}
