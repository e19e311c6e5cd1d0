#include "builder/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/base/utf8.h"

#define DEPTH_MAX 100

/* struct json is cJSON under another name; these casts are the only place that knows. */
static cJSON *
in(const struct json *v)
{
	return (cJSON *)(uintptr_t)v;
}

static struct json *
out(const cJSON *v)
{
	if (v == NULL)
		return NULL;
	return (struct json *)(uintptr_t)v;
}

static struct json *
made(cJSON *v)
{
	if (v == NULL)
		xmalloc_failed();
	return out(v);
}

/* "\u0000" would end a string early for everything that reads it as C text. */
static int
has_nul_escape(const char *text, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] != '\\')
			continue;
		if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
			return 1;
		i++;
	}
	return 0;
}

static int
too_deep(const char *text, size_t len)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = 0;
		} else if (text[i] == '"') {
			quoted = 1;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > DEPTH_MAX)
				return 1;
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return 0;
}

struct json *
json_parse(const char *text, size_t len, struct err *e)
{
	const char *end = NULL;
	cJSON *v;

	if (memchr(text, '\0', len) != NULL || has_nul_escape(text, len)) {
		err_set(e, ERR_INVALID, "not JSON: NUL character in the text");
		return NULL;
	}
	if (too_deep(text, len)) {
		err_set(e, ERR_INVALID, "JSON is nested deeper than %d levels", DEPTH_MAX);
		return NULL;
	}
	v = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	if (v == NULL) {
		err_set(e, ERR_INVALID, "not JSON: error at byte %zu",
			end != NULL ? (size_t)(end - text) : 0);
		return NULL;
	}
	while (end < text + len && strchr(" \t\r\n", *end) != NULL)
		end++;
	if (end != text + len) {
		cJSON_Delete(v);
		err_set(e, ERR_INVALID, "not JSON: text after the value at byte %zu",
			(size_t)(end - text));
		return NULL;
	}
	return out(v);
}

struct json *
json_last_object(const char *text)
{
	struct json *found = NULL;
	char *copy = xstrdup(text), *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line != NULL;
	     line = strtok_r(NULL, "\r\n", &save)) {
		struct json *v = line[0] == '{' ? json_parse(line, strlen(line), NULL) : NULL;

		if (v == NULL)
			continue;
		json_free(found);
		found = v;
	}
	free(copy);
	return found;
}

void
json_free(struct json *v)
{
	cJSON_Delete(in(v));
}

/* JSON is UTF-8 (RFC 8259, 8.1); names of files and what compilers say are any bytes, and may be cut. */
static char *
printed(char *s)
{
	struct buf text = {0};

	if (s != NULL)
		utf8_add(&text, s, strlen(s));
	else
		xmalloc_failed();
	cJSON_free(s);
	return buf_take(&text);
}

char *
json_text(const struct json *v)
{
	return printed(cJSON_PrintUnformatted(in(v)));
}

char *
json_pretty(const struct json *v)
{
	return printed(cJSON_Print(in(v)));
}

struct json *
json_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *
json_array(void)
{
	return made(cJSON_CreateArray());
}

void
json_set(struct json *object, const char *name, struct json *v)
{
	cJSON_DeleteItemFromObjectCaseSensitive(in(object), name);
	cJSON_AddItemToObject(in(object), name, in(v));
}

void
json_set_str(struct json *object, const char *name, const char *s)
{
	json_set(object, name, made(s != NULL ? cJSON_CreateString(s) : cJSON_CreateNull()));
}

void
json_set_int(struct json *object, const char *name, int64_t n)
{
	json_set(object, name, made(cJSON_CreateNumber((double)n)));
}

void
json_set_bool(struct json *object, const char *name, bool b)
{
	json_set(object, name, made(cJSON_CreateBool(b)));
}

void
json_add(struct json *array, struct json *v)
{
	cJSON_AddItemToArray(in(array), in(v));
}

void
json_add_str(struct json *array, const char *s)
{
	json_add(array, made(cJSON_CreateString(s)));
}

const struct json *
json_get(const struct json *object, const char *name)
{
	return object != NULL ? out(cJSON_GetObjectItemCaseSensitive(in(object), name)) : NULL;
}

const char *
json_string(const struct json *v, const char *fallback)
{
	return v != NULL && cJSON_IsString(in(v)) ? in(v)->valuestring : fallback;
}

int64_t
json_number(const struct json *v, int64_t fallback)
{
	double d;

	if (v == NULL || !cJSON_IsNumber(in(v)))
		return fallback;
	d = in(v)->valuedouble;
	/* Outside ±2^53 a double is no exact integer, and the cast would be undefined. */
	if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0))
		return fallback;
	return (int64_t)d;
}

const char *
json_str(const struct json *object, const char *name, const char *fallback)
{
	return json_string(json_get(object, name), fallback);
}

int64_t
json_int(const struct json *object, const char *name, int64_t fallback)
{
	return json_number(json_get(object, name), fallback);
}

bool
json_bool(const struct json *object, const char *name, bool fallback)
{
	const struct json *v = json_get(object, name);

	return v != NULL && cJSON_IsBool(in(v)) ? cJSON_IsTrue(in(v)) : fallback;
}

bool
json_is_object(const struct json *v)
{
	return v != NULL && cJSON_IsObject(in(v));
}

bool
json_is_array(const struct json *v)
{
	return v != NULL && cJSON_IsArray(in(v));
}

bool
json_is_null(const struct json *v)
{
	return v != NULL && cJSON_IsNull(in(v));
}

size_t
json_count(const struct json *array)
{
	return array != NULL ? (size_t)cJSON_GetArraySize(in(array)) : 0;
}

const char *
json_name(const struct json *v)
{
	return v != NULL ? in(v)->string : NULL;
}

struct json *
json_copy(const struct json *v)
{
	return made(cJSON_Duplicate(in(v), 1));
}

const struct json *
json_first(const struct json *parent)
{
	return parent != NULL ? out(in(parent)->child) : NULL;
}

const struct json *
json_next(const struct json *v)
{
	return out(in(v)->next);
}

const char *
json_other(const struct json *object, const char *const *names, size_t count)
{
	json_foreach (member, object) {
		size_t i = 0;

		while (i < count && strcmp(names[i], json_name(member)) != 0)
			i++;
		if (i == count)
			return json_name(member);
	}
	return NULL;
}
