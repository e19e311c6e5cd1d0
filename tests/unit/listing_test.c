#include "api/store/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

#define PAGE(text)                                                                          \
	"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns=\"http://s3\">" text \
	"</ListBucketResult>"
#define OBJECT(key, size, time)                           \
	"<Contents><Key>" key "</Key><LastModified>" time \
	"</LastModified><ETag>&quot;e&quot;</ETag>"       \
	"<Size>" size "</Size><Owner><ID>Key</ID></Owner></Contents>"

static void
on_object(const char *key, uint64_t size, int64_t modified, void *arg)
{
	buf_addf(arg, "%s %llu %lld\n", key, (unsigned long long)size, (long long)modified);
}

/* What a page lists, or "" if it is refused. */
static int
list(const char *xml, struct buf *out, struct listing *page)
{
	struct err e = {0};

	buf_fini(out);
	buf_adds(out, "");
	page->on_object = on_object;
	page->arg = out;
	return listing_read(xml, strlen(xml), page, &e);
}

TEST(objects_of_a_page)
{
	struct listing page = {0};
	struct buf out = {0};

	CHECK_INT(list(PAGE("<IsTruncated>false</IsTruncated>" OBJECT("a/b", "5",
								      "1970-01-02T00:00:00.000Z")
				    OBJECT("c &amp; d", "8589934592", "2026-11-27T16:09:12Z")),
		       &out, &page),
		  0);
	CHECK_STR(out.data, "a/b 5 86400000\nc & d 8589934592 1795795752000\n");
	CHECK_STR(page.next, "");
	CHECK_INT(
		list(PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>1/x=</NextContinuationToken>"),
		     &out, &page),
		0);
	CHECK_STR(page.next, "1/x=");
	CHECK_INT(list(PAGE(""), &out, &page), 0);
	CHECK_STR(out.data, "");
	buf_fini(&out);
}

TEST(what_is_no_page)
{
	static const char *const bad[] = {
		"",
		"no XML",
		"<html><body>Welcome</body></html>",
		"<ListBucketResult><Contents>",
		PAGE("<IsTruncated>true</IsTruncated>"),
		PAGE("<NextContinuationToken>more</NextContinuationToken>"),
		PAGE(OBJECT("a", "-1", "2026-11-27T16:09:12Z")),
		PAGE(OBJECT("a", "5 ", "2026-11-27T16:09:12Z")),
		PAGE(OBJECT("a", "5", "yesterday")),
		PAGE(OBJECT("a", "5", "2026-11-27T16:09:12")),
		"<!DOCTYPE l [<!ENTITY a \"aaaa\">]>" PAGE(
			OBJECT("&a;", "5", "2026-11-27T16:09:12Z")),
		"<a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a>",
	};
	struct buf out = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct listing page = {0};

		CHECK_MSG(list(bad[i], &out, &page) == ERR_BUSY, "%s", bad[i]);
		CHECK_STR(out.data, "");
	}
	buf_fini(&out);
}

/* A key of 1024 bytes, the most that S3 has, and a text that is longer than any. */
TEST(texts_have_a_limit)
{
	static const size_t lengths[] = {1024, LISTING_TEXT_MAX - 1, LISTING_TEXT_MAX, 1000000};
	struct buf out = {0};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		char *key = xcalloc(1, lengths[i] + 1), *xml;
		struct listing page = {0};

		memset(key, 'k', lengths[i]);
		xml = xasprintf(
			"<ListBucketResult><Contents><Key>%s</Key><Size>1</Size>"
			"<LastModified>2026-11-27T16:09:12Z</LastModified></Contents></ListBucketResult>",
			key);
		CHECK_INT(list(xml, &out, &page), lengths[i] < LISTING_TEXT_MAX ? 0 : ERR_BUSY);
		CHECK(strncmp(out.data, key, lengths[i]) == 0 || lengths[i] >= LISTING_TEXT_MAX);
		free(xml);
		free(key);
	}
	buf_fini(&out);
}

TEST(why_it_refused)
{
	static const char xml[] =
		"<Error><Code>AccessDenied</Code><Message>Not\nfor you</Message></Error>";
	struct s3_error e;

	listing_error(xml, sizeof xml - 1, &e);
	CHECK_STR(e.code, "AccessDenied");
	CHECK_STR(e.message, "Not?for you");
	listing_error("<html>", 6, &e);
	CHECK_STR(e.code, "");
	listing_error(NULL, 0, &e);
	CHECK_STR(e.message, "");
}
