#include "builder/model/upstream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/model/name.h"

enum field {
#define X(constant, field) constant,
	UPSTREAM_FIELDS(X)
#undef X
		FIELD_COUNT
};

static const char *const fields[] = {
#define X(constant, field) field,
	UPSTREAM_FIELDS(X)
#undef X
};

/* FIELD_COUNT if the text does not begin with one. */
static enum field
field_at(const char *text)
{
	int f = 0;

	while (f < FIELD_COUNT && strncmp(text, fields[f], strlen(fields[f])) != 0)
		f++;
	return (enum field)f;
}

/* What may stand in a URL (RFC 3986), and fields; no query, which could hold what is secret. */
static bool
is_plain(const char *template)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~:/[]@!$&'()*+,;=%{}";

	return template[strspn(template, plain)] == '\0';
}

static int
check_fields(const char *template, struct err *e)
{
	bool has[FIELD_COUNT + 1] = {false};

	for (const char *p = template; *p != '\0'; p++) {
		if (*p != '{' && *p != '}')
			continue;
		if (field_at(p) == FIELD_COUNT)
			return err_set(e, ERR_INVALID,
				       "\"%.24s\": fields are {name}, {package}, {version}, "
				       "{file}, {abi}, {platform} and {arch}",
				       p);
		has[field_at(p)] = true;
		p += strlen(fields[field_at(p)]) - 1;
	}
	if (!has[FIELD_VERSION] && !has[FIELD_FILE])
		return err_set(e, ERR_INVALID, "it has no {version}");
	if (!has[FIELD_FILE] && !(has[FIELD_ABI] && has[FIELD_PLATFORM] && has[FIELD_ARCH]))
		return err_set(e, ERR_INVALID,
			       "it needs {file}, or {abi}, {platform} and {arch}: every target has "
			       "another URL");
	return 0;
}

int
upstream_check(const char *template, struct err *e)
{
	const char *host = strstr(template, "://");
	size_t len;

	if (strlen(template) > UPSTREAM_TEMPLATE_MAX)
		return err_set(e, ERR_INVALID, "a URL has at most %d bytes", UPSTREAM_TEMPLATE_MAX);
	if (strncmp(template, "https://", 8) != 0 && strncmp(template, "http://", 7) != 0)
		return err_set(e, ERR_INVALID, "an http or https URL is needed");
	len = strcspn(host + 3, "/");
	if (len == 0 || host[3 + len] == '\0' || !is_plain(template))
		return err_set(e, ERR_INVALID, "that is no URL of a file, without a query");
	if (memchr(host + 3, '@', len) != NULL)
		return err_set(e, ERR_INVALID,
			       "a URL with a user or a password would be seen in reports and logs");
	if (memchr(host + 3, '{', len) != NULL)
		return err_set(e, ERR_INVALID, "its host cannot have fields");
	return check_fields(template, e);
}

/* Names and versions have no other byte that means something in a URL. */
static void
add_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '+')
			buf_adds(out, "%2B");
		else
			buf_add(out, text, 1);
	}
}

static void
add_field(struct buf *out, enum field field, const struct name *n)
{
	char abi[ABI_TEXT_SIZE];
	struct buf file = {0};

	abi_text(n->abi, abi);
	name_file(n, &file);
	add_text(out, field == FIELD_NAME       ? package_base(n->package)
		      : field == FIELD_PACKAGE  ? n->package
		      : field == FIELD_VERSION  ? n->version
		      : field == FIELD_FILE     ? file.data
		      : field == FIELD_ABI      ? abi
		      : field == FIELD_PLATFORM ? n->platform
						: n->arch);
	buf_fini(&file);
}

static char *
expand(const char *template, const struct name *n)
{
	struct buf out = {0};

	while (*template != '\0') {
		enum field field = field_at(template);

		if (field == FIELD_COUNT) {
			buf_add(&out, template ++, 1);
		} else {
			add_field(&out, field, n);
			template += strlen(fields[field]);
		}
	}
	return buf_take(&out);
}

void
upstream_urls(const char *template, const char *package, const char *version, struct abi abi,
	      const struct target *target, struct strv *out)
{
	/* The layouts behind these are no install client's: nobody uploads files of such names. */
	for (int layout = 0; layout < NAME_PREBUILDIFY; layout++) {
		struct name name;
		char *url;

		if (!name_of((enum name_layout)layout, package, version, abi, target, &name))
			continue;
		url = expand(template, &name);
		if (!strv_has(out, url))
			strv_add(out, url);
		free(url);
	}
}
