#include "api/store/listing.h"

#include <expat.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "builder/base/mem.h"

#define DEPTH_MAX 8

/* Where in a document the parser is, and the text of the innermost element so far. */
struct reading {
	XML_Parser parser;
	char path[DEPTH_MAX][32]; /* names of the open elements */
	size_t depth;
	char text[LISTING_TEXT_MAX];
	size_t len;
	void (*on_text)(struct reading *r); /* an element has ended */

	struct listing *page;
	struct s3_error *error;
	char key[LISTING_TEXT_MAX];
	uint64_t size;
	int64_t modified;
	bool truncated, wrong;
};

static void
stop(struct reading *r)
{
	r->wrong = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = data;

	(void)attributes;
	if (r->depth == DEPTH_MAX) {
		stop(r);
		return;
	}
	snprintf(r->path[r->depth++], sizeof r->path[0], "%s", name);
	r->len = 0;
	r->text[0] = '\0';
}

static void XMLCALL
on_characters(void *data, const XML_Char *text, int len)
{
	struct reading *r = data;

	if ((size_t)len >= sizeof r->text - r->len) {
		stop(r);
		return;
	}
	memcpy(r->text + r->len, text, (size_t)len);
	r->len += (size_t)len;
	r->text[r->len] = '\0';
}

static void XMLCALL
on_end(void *data, const XML_Char *name)
{
	struct reading *r = data;

	(void)name;
	r->on_text(r);
	r->depth--;
	r->len = 0;
	r->text[0] = '\0';
}

static void XMLCALL
on_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	   int has_internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	stop(data);
}

static bool
is_at(const struct reading *r, const char *outer, const char *inner, const char *last)
{
	size_t depth = inner != NULL ? 3 : 2;

	return r->depth == depth && strcmp(r->path[0], outer) == 0 &&
	       (inner == NULL || strcmp(r->path[1], inner) == 0) &&
	       strcmp(r->path[depth - 1], last) == 0;
}

static bool
parse(struct reading *r, const char *xml, size_t len)
{
	bool good;

	r->parser = XML_ParserCreate(NULL);
	if (r->parser == NULL)
		return false;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_characters);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	good = XML_Parse(r->parser, xml != NULL ? xml : "", (int)len, 1) == XML_STATUS_OK;
	XML_ParserFree(r->parser);
	return good && !r->wrong;
}

/* "2026-11-27T16:09:12.000Z", in ms since 1970. */
static bool
read_time(const char *text, int64_t *out)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t seconds = end != NULL ? timegm(&tm) : -1;

	if (seconds < 0 || (*end != '.' && *end != 'Z' && *end != '+'))
		return false;
	*out = (int64_t)seconds * 1000;
	return true;
}

static bool
read_size(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static void
on_page_text(struct reading *r)
{
	static const char page[] = "ListBucketResult";

	if (r->depth == 1 && strcmp(r->path[0], page) != 0)
		stop(r);
	else if (is_at(r, page, "Contents", "Key"))
		memcpy(r->key, r->text, r->len + 1);
	else if (is_at(r, page, "Contents", "Size"))
		r->wrong |= !read_size(r->text, &r->size);
	else if (is_at(r, page, "Contents", "LastModified"))
		r->wrong |= !read_time(r->text, &r->modified);
	else if (is_at(r, page, NULL, "IsTruncated"))
		r->truncated = strcmp(r->text, "true") == 0;
	else if (is_at(r, page, NULL, "NextContinuationToken"))
		memcpy(r->page->next, r->text, r->len + 1);
	else if (is_at(r, page, NULL, "Contents") && !r->wrong && r->key[0] != '\0' &&
		 r->modified >= 0) {
		r->page->on_object(r->key, r->size, r->modified, r->page->arg);
		r->key[0] = '\0';
		r->modified = -1;
	}
}

int
listing_read(const char *xml, size_t len, struct listing *page, struct err *e)
{
	struct reading *r = xcalloc(1, sizeof *r);
	int code = 0;

	r->on_text = on_page_text;
	r->page = page;
	r->modified = -1;
	page->next[0] = '\0';
	if (!parse(r, xml, len))
		code = err_set(e, ERR_BUSY, "what lists the bucket is no page of S3's");
	else if (r->truncated != (page->next[0] != '\0'))
		code = err_set(e, ERR_BUSY,
			       "a page of the bucket's list does not say how it goes on");
	free(r);
	return code;
}

static void
keep(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; n + 1 < size && text[n] != '\0'; n++)
		to[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
	to[n] = '\0';
}

static void
on_error_text(struct reading *r)
{
	if (is_at(r, "Error", NULL, "Code"))
		keep(r->error->code, sizeof r->error->code, r->text);
	else if (is_at(r, "Error", NULL, "Message"))
		keep(r->error->message, sizeof r->error->message, r->text);
}

void
listing_error(const char *xml, size_t len, struct s3_error *out)
{
	struct reading *r = xcalloc(1, sizeof *r);

	*out = (struct s3_error){0};
	r->on_text = on_error_text;
	r->error = out;
	parse(r, xml, len);
	free(r);
}
