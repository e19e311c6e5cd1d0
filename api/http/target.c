#include "api/http/target.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "builder/base/utf8.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that "%xy" at text stands for, or -1. */
static int
percent(const char *text, const char *end)
{
	int high, low;

	if (end - text < 3)
		return -1;
	high = hex(text[1]);
	low = hex(text[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool
is_control(int c)
{
	return c < 0x20 || c == 0x7f;
}

/* "http://host:port" before the path; the host is not ours to check, there is only one site. */
static int
skip_authority(char **text, const char *end, struct fault *f)
{
	char *s = *text;

	if (end - s > 7 && strncasecmp(s, "http://", 7) == 0)
		s += 7;
	else if (end - s > 8 && strncasecmp(s, "https://", 8) == 0)
		s += 8;
	else
		return fault_set(f, FAULT_TARGET,
				 "the request target is neither a path nor a http URL");
	*text = s;
	while (s < end && *s != '/' && *s != '?') {
		if (*s == '@' || *s == '%' || *s == '\\')
			return fault_set(f, FAULT_TARGET, "the request target has a bad authority");
		s++;
	}
	if (s == *text)
		return fault_set(f, FAULT_TARGET, "the request target has no host");
	*text = s;
	return 0;
}

static bool
has_dot_segment(const char *path)
{
	const char *s = path;

	while ((s = strchr(s, '/')) != NULL) {
		size_t n;

		s++;
		n = strcspn(s, "/");
		if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
			return true;
	}
	return false;
}

static int
decode_path(struct http_target *t, char *text, const char *end, struct fault *f)
{
	char *out = text, *segment = text; /* segment: where the current one begins, decoded */
	bool escaped = false;

	for (const char *s = text; s < end; s++) {
		int c = (unsigned char)*s;

		if (c == '/') {
			if (out > text && out[-1] == '/')
				continue;
			*out++ = '/';
			segment = out;
			continue;
		}
		if (c == '#' || c >= 0x80)
			return fault_set(f, FAULT_TARGET, "byte 0x%02x in the path", (unsigned)c);
		if (c == '%') {
			escaped = true;
			c = percent(s, end);
			if (c < 0)
				return fault_set(f, FAULT_TARGET, "bad percent-encoding in path");
			s += 2;
			if (c == '/') {
				if (out - segment < 2 || *segment != '@')
					return fault_set(f, FAULT_TARGET,
							 "encoded slash in the path, other than "
							 "in @scope%%2fname");
				segment = out + 1;
			}
		}
		if (is_control(c))
			return fault_set(f, FAULT_TARGET, "character 0x%02x in the path",
					 (unsigned)c);
		*out++ = (char)c;
	}
	*out = '\0';
	t->path = text;
	t->path_len = (size_t)(out - text);
	if (has_dot_segment(t->path))
		return fault_set(f, FAULT_TARGET, "\".\" or \"..\" in the path");
	if (escaped && !utf8_valid(t->path, t->path_len))
		return fault_set(f, FAULT_TARGET, "the path is not UTF-8");
	return 0;
}

/* One name or value: "+" is a space (application/x-www-form-urlencoded). */
static int
decode_word(char *text, size_t len, struct fault *f)
{
	const char *end = text + len;
	char *out = text;

	for (const char *s = text; s < end; s++) {
		int c = *s == '+' ? ' ' : (unsigned char)*s;

		if (c == '#' || c >= 0x80)
			return fault_set(f, FAULT_TARGET, "byte 0x%02x in the query", (unsigned)c);
		if (c == '%') {
			c = percent(s, end);
			if (c < 0)
				return fault_set(f, FAULT_TARGET, "bad percent-encoding in query");
			s += 2;
		}
		if (is_control(c))
			return fault_set(f, FAULT_TARGET, "character 0x%02x in the query",
					 (unsigned)c);
		*out++ = (char)c;
	}
	*out = '\0';
	if (!utf8_valid(text, (size_t)(out - text)))
		return fault_set(f, FAULT_TARGET, "the query is not UTF-8");
	return 0;
}

static int
decode_query(struct http_target *t, char *text, char *end, struct fault *f)
{
	while (text < end) {
		char *stop = memchr(text, '&', (size_t)(end - text)), *value;

		if (stop == NULL)
			stop = end;
		if (stop == text) {
			text++;
			continue;
		}
		if (t->query_count == HTTP_QUERY_MAX)
			return fault_set(f, FAULT_TARGET, "more than %d query parameters",
					 HTTP_QUERY_MAX);
		value = memchr(text, '=', (size_t)(stop - text));
		if (value == NULL)
			value = stop;
		t->query[t->query_count].name = text;
		t->query[t->query_count].value = value < stop ? value + 1 : "";
		t->query_count++;
		if (value < stop && decode_word(value + 1, (size_t)(stop - value - 1), f) != 0)
			return -1;
		if (decode_word(text, (size_t)(value - text), f) != 0)
			return -1;
		text = stop + 1;
	}
	return 0;
}

int
http_target_parse(struct http_target *t, char *text, size_t len, struct fault *f)
{
	char *end = text + len, *query;

	t->query_count = 0;
	if (len == 0)
		return fault_set(f, FAULT_TARGET, "the request target is empty");
	if (*text != '/' && skip_authority(&text, end, f) != 0)
		return -1;
	query = memchr(text, '?', (size_t)(end - text));
	if (query == text || text == end) {
		/* "http://host?a=b" asks for the root. */
		t->path = "/";
		t->path_len = 1;
	} else if (decode_path(t, text, query != NULL ? query : end, f) != 0) {
		return -1;
	}
	return query != NULL ? decode_query(t, query + 1, end, f) : 0;
}

const char *
http_target_query(const struct http_target *t, const char *name)
{
	for (size_t i = 0; i < t->query_count; i++)
		if (strcmp(t->query[i].name, name) == 0)
			return t->query[i].value;
	return NULL;
}
