#include "builder/source/gitmodules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"

struct cursor {
	const char *at, *end;
};

/* What a section has said so far. */
struct section {
	bool submodule;
	char *path, *url;
};

static void
skip_space(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
		c->at++;
}

static void
skip_line(struct cursor *c)
{
	while (c->at < c->end && *c->at != '\n')
		c->at++;
}

static size_t
word(const struct cursor *c)
{
	size_t n = 0;

	while (c->at + n < c->end && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789-",
					    c->at[n]) != NULL)
		n++;
	return n;
}

/* A value up to the end of its line: quotes, comments, and the escapes that git knows. NULL if it is
 * none. */
static char *
read_value(struct cursor *c)
{
	struct buf out = {0};
	size_t keep = 0; /* without spaces at the end that no quotes protect */
	bool quoted = false;

	buf_adds(&out, "");
	for (; c->at < c->end && *c->at != '\n'; c->at++) {
		char ch = *c->at;

		if (ch == '"') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && (ch == '#' || ch == ';'))
			break;
		if (ch == '\\') {
			if (c->end - c->at < 2 || (c->at[1] != '\\' && c->at[1] != '"'))
				goto bad;
			ch = *++c->at;
		} else if (!quoted && (ch == ' ' || ch == '\t' || ch == '\r')) {
			if (out.len > 0)
				buf_add(&out, &ch, 1);
			continue;
		}
		if ((unsigned char)ch < 0x20 || ch == 0x7f)
			goto bad;
		buf_add(&out, &ch, 1);
		keep = out.len;
	}
	if (quoted)
		goto bad;
	skip_line(c);
	out.data[keep] = '\0';
	return buf_take(&out);
bad:
	buf_fini(&out);
	return NULL;
}

/* "[submodule "name"]"; the name itself does not matter. */
static bool
read_header(struct cursor *c, struct section *s)
{
	size_t len;

	c->at++;
	len = word(c);
	s->submodule = len == strlen("submodule") && strncasecmp(c->at, "submodule", len) == 0;
	c->at += len;
	for (bool quoted = false; c->at < c->end && *c->at != '\n'; c->at++) {
		if (*c->at == '\\' && quoted)
			c->at++;
		else if (*c->at == '"')
			quoted = !quoted;
		else if (*c->at == ']' && !quoted) {
			c->at++;
			return true;
		}
	}
	return false;
}

static bool
read_setting(struct cursor *c, struct section *s)
{
	const char *name = c->at;
	size_t len = word(c);
	char **to = NULL, *value;

	if (len == 0)
		return false;
	c->at += len;
	skip_space(c);
	if (len == 4 && strncasecmp(name, "path", len) == 0)
		to = &s->path;
	else if (len == 3 && strncasecmp(name, "url", len) == 0)
		to = &s->url;
	if (c->at == c->end || *c->at != '=') {
		skip_line(c);
		return to == NULL; /* a switch, "fetchRecurseSubmodules" */
	}
	c->at++;
	value = read_value(c);
	if (value == NULL)
		return false;
	if (to != NULL && s->submodule) {
		free(*to);
		*to = value;
	} else {
		free(value);
	}
	return true;
}

/* Takes the section's URL if it is that of `path`: the last one wins, as in git. */
static void
end_section(struct section *s, const char *path, char **url)
{
	if (s->path != NULL && s->url != NULL && strcmp(s->path, path) == 0) {
		free(*url);
		*url = s->url;
		s->url = NULL;
	}
	free(s->path);
	free(s->url);
	*s = (struct section){0};
}

char *
gitmodules_url(const char *text, size_t len, const char *path, struct err *e)
{
	struct cursor c = {text, text + len};
	struct section section = {0};
	bool good = len <= GITMODULES_MAX && memchr(text, '\0', len) == NULL;
	char *url = NULL;

	while (good && c.at < c.end) {
		skip_space(&c);
		if (c.at == c.end)
			break;
		if (*c.at == '\n') {
			c.at++;
		} else if (*c.at == '#' || *c.at == ';') {
			skip_line(&c);
		} else if (*c.at == '[') {
			end_section(&section, path, &url);
			good = read_header(&c, &section);
		} else {
			good = read_setting(&c, &section);
		}
	}
	end_section(&section, path, &url);
	if (!good) {
		err_set(e, ERR_MALFORMED, ".gitmodules cannot be read");
		free(url);
		return NULL;
	}
	if (url == NULL)
		err_set(e, ERR_NOT_FOUND, ".gitmodules names no URL for it");
	return url;
}

char *
gitmodules_resolve(const char *base, const char *url)
{
	const char *host = strstr(base, "://");
	size_t len = strlen(base), least;

	if (strncmp(url, "./", 2) != 0 && strncmp(url, "../", 3) != 0)
		return xstrdup(url);
	least = (size_t)(host + 3 - base) + strcspn(host + 3, "/");
	while (len > least && base[len - 1] == '/')
		len--;
	for (;;) {
		if (strncmp(url, "./", 2) == 0) {
			url += 2;
		} else if (strncmp(url, "../", 3) == 0) {
			if (len <= least)
				return NULL;
			while (base[--len] != '/')
				;
			url += 3;
		} else {
			return xasprintf("%.*s/%s", (int)len, base, url);
		}
	}
}
