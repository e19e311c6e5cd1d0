#include "builder/lockfile/lockfile.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/lockfile/formats.h"
#include "builder/lockfile/yaml.h"
#include "builder/model/package.h"

#define FROM_MAX      300 /* characters that are told of where something comes from */
#define INTEGRITY_MAX 2048

const char *
lockfile_format_text(enum lockfile_format format)
{
	static const char *const texts[] = {
#define X(constant, text) [constant] = (text),
		LOCKFILE_FORMATS(X)
#undef X
	};

	return texts[format];
}

const char *
lockfile_at(const char *spec)
{
	return spec[0] == '\0' ? NULL : strchr(spec + 1, '@');
}

int
lockfile_add(struct lockfile *l, const char *name, const char *version, const char *from,
	     const char *integrity, bool plain, struct err *e)
{
	bool known = version != NULL && from == NULL && package_name_valid(name) &&
		     package_version_valid(version);
	struct locked *p;

	if (l->count == LOCKFILE_PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d packages", LOCKFILE_PACKAGES_MAX);
	/* In steps, because the vector grows one by one. */
	if (l->count % 64 == 0)
		l->packages = xrealloc(l->packages, (l->count + 64) * sizeof *l->packages);
	if (from == NULL && !known)
		from = version == NULL ? "nowhere"
		       : package_version_valid(version)
			       ? "a name that registries do not take any more"
			       : version;
	p = &l->packages[l->count++];
	*p = (struct locked){
		.name = xstrndup(name, PACKAGE_NAME_MAX),
		.version = known ? xstrdup(version) : NULL,
		.from = known ? NULL : xstrndup(from, FROM_MAX),
		.integrity = integrity != NULL ? xstrndup(integrity, INTEGRITY_MAX) : NULL,
		.plain = plain,
	};
	return 0;
}

static void
locked_fini(struct locked *p)
{
	free(p->name);
	free(p->version);
	free(p->from);
	free(p->integrity);
}

void
lockfile_fini(struct lockfile *l)
{
	for (size_t i = 0; i < l->count; i++)
		locked_fini(&l->packages[i]);
	free(l->packages);
	*l = (struct lockfile){0};
}

/* What comes from elsewhere stands after a name's versions. */
static int
compare(const void *a, const void *b)
{
	const struct locked *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0 && (x->version == NULL) != (y->version == NULL))
		return x->version == NULL ? 1 : -1;
	if (r == 0 && x->version != NULL)
		r = strcmp(x->version, y->version);
	return r != 0 || x->version != NULL ? r : strcmp(x->from, y->from);
}

/* The same version stands in several places of a tree. It is plain only if all say so. */
static void
sort_and_merge(struct lockfile *l)
{
	size_t kept = 0;

	if (l->count > 0)
		qsort(l->packages, l->count, sizeof *l->packages, compare);
	for (size_t i = 0; i < l->count; i++) {
		struct locked *p = &l->packages[i];
		struct locked *last = kept > 0 ? &l->packages[kept - 1] : NULL;

		if (last == NULL || compare(last, p) != 0) {
			l->packages[kept++] = *p;
			continue;
		}
		last->plain = last->plain && p->plain;
		if (last->integrity == NULL) {
			last->integrity = p->integrity;
			p->integrity = NULL;
		}
		locked_fini(p);
	}
	l->count = kept;
}

const struct locked *
lockfile_find(const struct lockfile *l, const char *name, const char *version)
{
	const struct locked *only = NULL;
	size_t low = 0, high = l->count, same = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(l->packages[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < l->count && strcmp(l->packages[low].name, name) == 0; low++, same++) {
		only = &l->packages[low];
		if (only->version != NULL && strcmp(only->version, version) == 0)
			return only;
	}
	return same == 1 ? only : NULL;
}

static bool
contains(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what)) != NULL;
}

static int
parse(const char *text, size_t len, struct lockfile *l, struct err *e)
{
	size_t blank = 0; /* bytes before the first that says what it is */
	struct json *doc;
	int r;

	while (blank < len && (text[blank] == ' ' || text[blank] == '\n' || text[blank] == '\r' ||
			       text[blank] == '\t'))
		blank++;
	if (blank < len && text[blank] == '{') {
		doc = json_parse(text, len, e);
		r = doc != NULL ? lockfile_npm(doc, l, e) : ERR_MALFORMED;
	} else if (contains(text, len, "# yarn lockfile v1")) {
		return lockfile_yarn1(text, len, l, e);
	} else {
		doc = yaml_parse(text, len, e);
		if (doc == NULL)
			r = ERR_MALFORMED;
		else if (json_get(doc, "__metadata") != NULL)
			r = lockfile_yarn2(doc, l, e);
		else
			r = lockfile_pnpm(doc, l, e);
	}
	json_free(doc);
	return r;
}

int
lockfile_parse(const char *text, size_t len, struct lockfile *out, struct err *e)
{
	struct err own = {0};
	int r;

	*out = (struct lockfile){0};
	if (len > LOCKFILE_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "a lock file of more than %u MiB",
			       LOCKFILE_BYTES_MAX >> 20);
	r = parse(text, len, out, &own);
	if (r != 0)
		/* What the parsers of JSON say has the code of an argument. */
		return err_set(e, own.code == ERR_INVALID ? ERR_MALFORMED : own.code, "%s",
			       own.msg);
	sort_and_merge(out);
	return 0;
}
