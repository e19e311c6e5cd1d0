#include "builder/model/job_limits.h"

#include <stddef.h>
#include <stdlib.h>

#include "builder/base/mem.h"

#define SECONDS_MAX (7 * 24 * 3600)
#define COUNT_MAX   10000000

enum kind { SECONDS, SIZE, COUNT };

static const struct limit {
	const char *flag;
	enum kind kind;
	size_t offset;
} limits[] = {
#define X(field, kind, flag, value, text) {flag, kind, offsetof(struct job_limits, field)},
	JOB_LIMITS(X)
#undef X
};

static int
read_one(const struct opt *opt, enum kind kind, uint64_t *out, struct err *e)
{
	unsigned long long size = 0;
	long n = 0;

	switch (kind) {
	case SECONDS:
		opt_number(opt, 1, SECONDS_MAX, &n, e);
		*out = (uint64_t)n * 1000;
		break;
	case COUNT:
		opt_number(opt, 1, COUNT_MAX, &n, e);
		*out = (uint64_t)n;
		break;
	case SIZE:
		if (opt_size(opt, &size, e) == 0 && size == 0)
			err_set(e, ERR_USAGE, "--%s: nothing would fit in 0 bytes", opt->name);
		*out = size;
		break;
	}
	return e->code;
}

int
job_limits_read(struct opts *o, struct job_limits *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (read_one(opts_get(o, limits[i].flag), limits[i].kind,
			     (uint64_t *)(void *)((char *)out + limits[i].offset), e) != 0)
			return e->code;
	return 0;
}

struct job_limits
job_limits_default(void)
{
	struct opt table[] = {JOB_LIMITS(JOB_LIMIT_FLAG)};
	struct opts o = {.table = table, .table_size = ARRAY_SIZE(table)};
	struct job_limits l = {0};
	struct err e = {0};

	if (job_limits_read(&o, &l, &e) != 0)
		abort();
	return l;
}
