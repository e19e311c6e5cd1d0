/*
 * opt.h - flags as a table: the command line wins over the environment, the environment over a
 * --config file. `--help` and errors are made from the same table.
 */
#ifndef BUILDER_BASE_OPT_H
#define BUILDER_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "builder/base/err.h"

#define OPT_VALUES_MAX 64

struct opt {
	const char *name; /* "listen" → --listen VALUE, PREBUILDD_LISTEN, listen = VALUE */
	const char *arg;  /* "ADDR:PORT"; NULL: a switch */
	const char *text; /* for --help */
	bool many;        /* may be given several times */

	/* Results; strings live as long as the opts. */
	bool given;
	const char *value; /* the last one; keeps its default if not given */
	const char *values[OPT_VALUES_MAX];
	size_t count;
};

struct opts {
	const char *usage; /* "prebuildd serve [FLAG…]" */
	const char *about;
	struct opt *table;
	size_t table_size;
	bool env;    /* PREBUILDD_<NAME> counts too */
	bool config; /* --config FILE is understood */

	const char **args; /* what is no flag, in order */
	size_t arg_count;
	bool help; /* --help was asked for and printed */
	void *owned;
};

/* argv without the program's name. ERR_USAGE names the flag. Free with opts_fini, also after an
 * error. */
int opts_parse(struct opts *o, int argc, char **argv, struct err *e);
void opts_fini(struct opts *o);

/* Prints usage, text and the table to stdout. */
void opts_help(const struct opts *o);

/* Looks an entry up; the name must be in the table. */
struct opt *opts_get(struct opts *o, const char *name);

/* A whole number in [min, max]; ERR_USAGE names the flag and the range. */
int opt_number(const struct opt *opt, long min, long max, long *out, struct err *e);

/* "4096", "64K", "16M", "2G" in bytes. */
int opt_size(const struct opt *opt, unsigned long long *out, struct err *e);

#endif
