#include "api/http/range.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static const struct {
	const char *value;
	uint64_t size;
	enum http_range result;
	uint64_t first;
	uint64_t len;
} ranges[] = {
	{"bytes=0-0", 10, RANGE_PART, 0, 1},
	{"bytes=0-9", 10, RANGE_PART, 0, 10},
	{"bytes=0-99", 10, RANGE_PART, 0, 10},
	{"bytes=3-5", 10, RANGE_PART, 3, 3},
	{"bytes=9-9", 10, RANGE_PART, 9, 1},
	{"bytes=9-", 10, RANGE_PART, 9, 1},
	{"bytes=0-", 10, RANGE_PART, 0, 10},
	{"bytes=-1", 10, RANGE_PART, 9, 1},
	{"bytes=-10", 10, RANGE_PART, 0, 10},
	{"bytes=-11", 10, RANGE_PART, 0, 10},
	{"BYTES=1-2", 10, RANGE_PART, 1, 2},
	{"bytes= 1-2 ", 10, RANGE_PART, 1, 2},
	{"bytes=1-99999999999999999999999999", 10, RANGE_PART, 1, 9},
	{"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
	{"bytes=10-", 10, RANGE_OUTSIDE, 0, 0},
	{"bytes=10-11", 10, RANGE_OUTSIDE, 0, 0},
	{"bytes=99999999999999999999999999-", 10, RANGE_OUTSIDE, 0, 0},
	{"bytes=-0", 10, RANGE_OUTSIDE, 0, 0},
	{"bytes=0-0", 0, RANGE_OUTSIDE, 0, 0},
	{"bytes=0-", 0, RANGE_OUTSIDE, 0, 0},
	{"bytes=-5", 0, RANGE_OUTSIDE, 0, 0},
	{NULL, 10, RANGE_ALL, 0, 0},
	{"", 10, RANGE_ALL, 0, 0},
	{"bytes", 10, RANGE_ALL, 0, 0},
	{"bytes=", 10, RANGE_ALL, 0, 0},
	{"bytes=-", 10, RANGE_ALL, 0, 0},
	{"bytes=5", 10, RANGE_ALL, 0, 0},
	{"bytes=5-3", 10, RANGE_ALL, 0, 0},
	{"bytes=0-1,3-4", 10, RANGE_ALL, 0, 0},
	{"bytes=0-1x", 10, RANGE_ALL, 0, 0},
	{"bytes=a-b", 10, RANGE_ALL, 0, 0},
	{"bytes=+1-2", 10, RANGE_ALL, 0, 0},
	{"bytes=1--2", 10, RANGE_ALL, 0, 0},
	{"bytes=0x1-2", 10, RANGE_ALL, 0, 0},
	{"lines=1-2", 10, RANGE_ALL, 0, 0},
};

static const struct {
	const char *list;
	bool listed;
	bool same; /* as an If-Range */
} tags[] = {
	{"\"abc\"", true, true},
	{"W/\"abc\"", true, false},
	{"*", true, false},
	{"\"x\", \"abc\"", true, false},
	{"\"x\",W/\"abc\" , \"y\"", true, false},
	{"\"x\"", false, false},
	{"\"abcd\"", false, false},
	{"\"ab\"", false, false},
	{"\"\"", false, false},
	{"abc", false, false},
	{"\"abc", false, false},
	{"", false, false},
	{"w/\"abc\"", false, false},
	{"\"x\" garbage \"abc\"", false, false},
	{"Wed, 21 Oct 2015 07:28:00 GMT", false, false},
	{NULL, false, false},
};

TEST(range_values)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t first = 0, len = 0;
		enum http_range r = http_range_parse(ranges[i].value, ranges[i].size, &first, &len);

		CHECK_MSG(r == ranges[i].result, "%s: %d", ranges[i].value, (int)r);
		if (r != RANGE_PART)
			continue;
		CHECK_MSG(first == ranges[i].first && len == ranges[i].len, "%s: %llu+%llu",
			  ranges[i].value, (unsigned long long)first, (unsigned long long)len);
	}
}

TEST(entity_tags)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		CHECK_MSG(http_etag_listed(tags[i].list, "abc") == tags[i].listed, "listed in %s",
			  tags[i].list);
		CHECK_MSG(http_etag_same(tags[i].list, "abc") == tags[i].same, "same as %s",
			  tags[i].list);
	}
	CHECK(!http_etag_listed("*", NULL));
	CHECK(!http_etag_same("\"abc\"", NULL));
}
