#include "builder/base/opt.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"

#define CONFIG_MAX (64 * 1024)

struct owned {
	struct owned *next;
	char text[];
};

static const char *
keep(struct opts *o, const char *text)
{
	struct owned *n = xmalloc(sizeof *n + strlen(text) + 1);

	strcpy(n->text, text);
	n->next = o->owned;
	o->owned = n;
	return n->text;
}

static struct opt *
find(struct opts *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->table_size; i++)
		if (strlen(o->table[i].name) == len && memcmp(o->table[i].name, name, len) == 0)
			return &o->table[i];
	return NULL;
}

struct opt *
opts_get(struct opts *o, const char *name)
{
	struct opt *opt = find(o, name, strlen(name));

	if (opt == NULL)
		abort();
	return opt;
}

static int
store(struct opts *o, struct opt *opt, const char *value, struct err *e)
{
	if (opt->many && opt->count == OPT_VALUES_MAX)
		return err_set(e, ERR_USAGE, "--%s is given more than %d times", opt->name,
			       OPT_VALUES_MAX);
	opt->given = true;
	opt->value = keep(o, value);
	if (opt->many)
		opt->values[opt->count++] = opt->value;
	return 0;
}

static bool
truthy(const char *s)
{
	return strcmp(s, "1") == 0 || strcmp(s, "true") == 0 || strcmp(s, "yes") == 0;
}

static int
from_text(struct opts *o, struct opt *opt, const char *text, struct err *e)
{
	if (opt->arg == NULL && !truthy(text)) {
		opt->value = "0";
		return 0;
	}
	return store(o, opt, text, e);
}

/* Has something that counts more set it? A switch may have been set to off. */
static bool
settled(const struct opt *opt)
{
	return opt->given || (opt->arg == NULL && opt->value != NULL);
}

static int
read_config(struct opts *o, const char *path, struct err *e)
{
	struct buf text = {0};
	int r = file_read(path, CONFIG_MAX, &text, e), number = 0;
	char *rest = text.data;

	for (char *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
		struct opt *opt;
		char *eq, *end;

		number++;
		while (isspace((unsigned char)*line))
			line++;
		if (*line == '#' || *line == '\0')
			continue;
		eq = strchr(line, '=');
		end = eq != NULL ? eq : line;
		while (end > line && isspace((unsigned char)end[-1]))
			end--;
		opt = eq != NULL ? find(o, line, (size_t)(end - line)) : NULL;
		if (opt == NULL) {
			r = err_set(e, ERR_USAGE,
				    "%s: line %d is no \"flag = value\" that %s knows", path,
				    number, o->usage);
			break;
		}
		eq++;
		while (isspace((unsigned char)*eq))
			eq++;
		end = eq + strlen(eq);
		while (end > eq && isspace((unsigned char)end[-1]))
			*--end = '\0';
		if (!settled(opt))
			r = from_text(o, opt, eq, e);
	}
	buf_fini(&text);
	return r;
}

static int
read_env(struct opts *o, struct err *e)
{
	for (size_t i = 0; i < o->table_size; i++) {
		struct opt *opt = &o->table[i];
		char name[96];
		const char *value;

		snprintf(name, sizeof name, "PREBUILDD_%s", opt->name);
		for (char *c = name; *c != '\0'; c++)
			*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
		value = getenv(name);
		if (settled(opt) || value == NULL)
			continue;
		if (from_text(o, opt, value, e) != 0)
			return e->code;
	}
	return 0;
}

static int
one_flag(struct opts *o, const char *flag, const char *next, int *used, const char **config,
	 struct err *e)
{
	const char *eq = strchr(flag, '=');
	size_t len = eq != NULL ? (size_t)(eq - flag) : strlen(flag);
	struct opt *opt = find(o, flag, len);
	const char *value = eq != NULL ? eq + 1 : next;
	bool is_config = o->config && len == 6 && memcmp(flag, "config", 6) == 0;

	if (opt == NULL && !is_config)
		return err_set(e, ERR_USAGE, "unknown flag --%.*s; see --help", (int)len, flag);
	if (opt != NULL && opt->arg == NULL) {
		if (eq != NULL)
			return err_set(e, ERR_USAGE, "--%s takes no value", opt->name);
		return store(o, opt, "1", e);
	}
	if (value == NULL)
		return err_set(e, ERR_USAGE, "--%.*s needs a value", (int)len, flag);
	if (eq == NULL)
		*used = 1;
	if (is_config) {
		*config = value;
		return 0;
	}
	return store(o, opt, value, e);
}

int
opts_parse(struct opts *o, int argc, char **argv, struct err *e)
{
	const char *config = o->config ? getenv("PREBUILDD_CONFIG") : NULL;
	bool flags = true;

	o->args = xcalloc((size_t)argc + 1, sizeof *o->args);
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];
		int used = 0;

		if (flags && strcmp(a, "--") == 0) {
			flags = false;
			continue;
		}
		if (flags && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)) {
			opts_help(o);
			o->help = true;
			return 0;
		}
		if (flags && strcmp(a, "-o") == 0)
			a = "--output";
		if (!flags || strncmp(a, "--", 2) != 0) {
			if (flags && a[0] == '-' && a[1] != '\0')
				return err_set(e, ERR_USAGE, "unknown flag %s; see --help", a);
			o->args[o->arg_count++] = a;
			continue;
		}
		if (one_flag(o, a + 2, i + 1 < argc ? argv[i + 1] : NULL, &used, &config, e) != 0)
			return e->code;
		i += used;
	}
	if (o->env && read_env(o, e) != 0)
		return e->code;
	return config != NULL ? read_config(o, config, e) : 0;
}

void
opts_fini(struct opts *o)
{
	struct owned *n = o->owned;

	while (n != NULL) {
		struct owned *next = n->next;

		free(n);
		n = next;
	}
	o->owned = NULL;
	free(o->args);
	o->args = NULL;
}

void
opts_help(const struct opts *o)
{
	printf("usage: %s\n\n%s\n", o->usage, o->about);
	if (o->table_size > 0)
		printf("\nflags:\n");
	for (size_t i = 0; i < o->table_size; i++) {
		const struct opt *opt = &o->table[i];
		char head[64];

		snprintf(head, sizeof head, "--%s%s%s", opt->name, opt->arg != NULL ? " " : "",
			 opt->arg != NULL ? opt->arg : "");
		printf("  %-28s %s", head, opt->text);
		if (opt->arg != NULL && opt->value != NULL && !opt->given && opt->value[0] != '\0')
			printf(" (default %s)", opt->value);
		putchar('\n');
	}
	if (o->config)
		printf("  %-28s %s\n", "--config FILE", "flags as lines \"name = value\"");
	if (o->env)
		printf("\nEach flag can stand in the environment as PREBUILDD_NAME.\n");
}

int
opt_number(const struct opt *opt, long min, long max, long *out, struct err *e)
{
	char *end = NULL;
	long n;

	errno = 0;
	n = opt->value != NULL ? strtol(opt->value, &end, 10) : 0;
	if (opt->value == NULL || end == opt->value || *end != '\0' || errno != 0 || n < min ||
	    n > max)
		return err_set(e, ERR_USAGE, "--%s wants a number from %ld to %ld, not \"%s\"",
			       opt->name, min, max, opt->value != NULL ? opt->value : "");
	*out = n;
	return 0;
}

int
opt_size(const struct opt *opt, unsigned long long *out, struct err *e)
{
	static const char units[] = "KMG";
	char *end = NULL;
	unsigned long long n;
	const char *unit;

	errno = 0;
	n = strtoull(opt->value, &end, 10);
	unit = *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (end == opt->value || errno != 0 || opt->value[0] == '-' || n > (1ULL << 40) ||
	    (*end != '\0' && (unit == NULL || end[1] != '\0')))
		return err_set(e, ERR_USAGE, "--%s wants a size such as 64K, 16M or 2G, not \"%s\"",
			       opt->name, opt->value);
	if (unit != NULL)
		n <<= 10 * (unit - units + 1);
	*out = n;
	return 0;
}
