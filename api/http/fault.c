#include "api/http/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	int status;
	const char *code;
} table[] = {
#define X(constant, status, code) [constant] = {status, code},
	HTTP_FAULTS(X)
#undef X
};

int
fault_set(struct fault *f, enum fault_kind kind, const char *fmt, ...)
{
	va_list ap;

	f->kind = kind;
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof f->detail, fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_status(enum fault_kind kind)
{
	return table[kind].status;
}

const char *
fault_code(enum fault_kind kind)
{
	return table[kind].code;
}
