/*
 * yarn1.c - the yarn.lock of yarn 1. It looks like YAML and is none: lines of words, of which those
 * with special characters are JSON strings.
 *
 *   "@s/n@^1.0.0", "alias@npm:@s/n@1":
 *     version "1.0.4"
 *     resolved "https://…/n-1.0.4.tgz#sha1"
 *     integrity sha512-…
 *     dependencies:
 *       other "^2.0.0"
 */
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/lockfile/formats.h"

struct entry {
	char *spec; /* the first of its head; NULL: none is open */
	char *version, *resolved, *integrity;
	size_t line;
};

static void
entry_fini(struct entry *n)
{
	free(n->spec);
	free(n->version);
	free(n->resolved);
	free(n->integrity);
	*n = (struct entry){0};
}

/* The word at *p, which ends at a space, a comma or a colon that ends the line; moves *p behind it.
 * NULL if there is none, or a string that is not closed. */
static char *
take_word(const char **p, const char *end)
{
	const char *start = *p, *q = start;
	struct json *string;
	char *word = NULL;

	if (q < end && *q == '"') {
		for (q++; q < end && *q != '"'; q++)
			q += *q == '\\';
		if (q >= end)
			return NULL;
		*p = q + 1;
		string = json_parse(start, (size_t)(*p - start), NULL);
		if (json_string(string, NULL) != NULL)
			word = xstrdup(json_string(string, NULL));
		json_free(string);
		return word;
	}
	while (q < end && *q != ' ' && *q != ',' && !(*q == ':' && q + 1 == end))
		q++;
	*p = q;
	return q > start ? xstrndup(start, (size_t)(q - start)) : NULL;
}

/* What is no range of a registry: a repository, a folder, a URL, "user/repository". */
static bool
is_elsewhere(const char *range)
{
	return strchr(range, '/') != NULL || strncmp(range, "file:", 5) == 0 ||
	       strncmp(range, "link:", 5) == 0;
}

static int
add_entry(struct lockfile *l, struct entry *n, struct err *e)
{
	char *name = n->spec, *range;
	int r;

	if (name == NULL)
		return 0;
	range = (char *)lockfile_at(name);
	if (range == NULL || n->version == NULL)
		return err_set(e, ERR_MALFORMED, "line %zu: no package with a version", n->line);
	*range++ = '\0';
	if (strncmp(range, "npm:", 4) == 0) {
		name = range + 4;
		range = (char *)lockfile_at(name);
		if (range != NULL)
			*range++ = '\0';
	}
	r = lockfile_add(l, name, n->version,
			 range != NULL && is_elsewhere(range)
				 ? (n->resolved != NULL ? n->resolved : range)
				 : NULL,
			 n->integrity, false, e);
	entry_fini(n);
	return r;
}

static int
read_head(struct entry *n, const char *line, const char *end, struct err *e)
{
	n->spec = take_word(&line, end);
	if (n->spec == NULL || end[-1] != ':')
		return err_set(e, ERR_MALFORMED, "line %zu: not the head of a package", n->line);
	return 0;
}

static void
read_field(struct entry *n, const char *line, const char *end)
{
	char *name = take_word(&line, end), *value, **field = NULL;

	if (name != NULL && strcmp(name, "version") == 0)
		field = &n->version;
	else if (name != NULL && strcmp(name, "resolved") == 0)
		field = &n->resolved;
	else if (name != NULL && strcmp(name, "integrity") == 0)
		field = &n->integrity;
	while (line < end && *line == ' ')
		line++;
	value = field != NULL ? take_word(&line, end) : NULL;
	if (value != NULL) {
		free(*field);
		*field = value;
	}
	free(name);
}

static int
read_line(struct lockfile *l, struct entry *n, const char *line, const char *end, size_t number,
	  struct err *e)
{
	size_t indent = 0;

	if (line < end && end[-1] == '\r')
		end--;
	while (line < end && *line == ' ') {
		line++;
		indent++;
	}
	if (line == end || *line == '#')
		return 0;
	if (indent == 0) {
		if (add_entry(l, n, e) != 0)
			return e->code;
		n->line = number;
		return read_head(n, line, end, e);
	}
	if (n->spec == NULL)
		return err_set(e, ERR_MALFORMED, "line %zu: belongs to no package", number);
	/* What is further in are the dependencies, whose names may be "version". */
	if (indent == 2)
		read_field(n, line, end);
	return 0;
}

int
lockfile_yarn1(const char *text, size_t len, struct lockfile *l, struct err *e)
{
	const char *end = text + len, *next;
	struct entry n = {0};
	size_t number = 0;
	int r = 0;

	l->format = LOCKFILE_YARN_1;
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_MALFORMED, "a NUL character");
	for (const char *line = text; r == 0 && line < end; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL)
			stop = end;
		next = stop < end ? stop + 1 : end;
		r = read_line(l, &n, line, stop, ++number, e);
	}
	if (r == 0)
		r = add_entry(l, &n, e);
	entry_fini(&n);
	return r;
}
