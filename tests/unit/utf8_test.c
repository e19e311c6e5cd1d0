#include "builder/base/utf8.h"

#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* The borders of table 3-7 of Unicode 15. */
TEST(characters_and_what_are_none)
{
	static const struct {
		const char *bytes;
		size_t len, is;
		uint32_t c;
	} cases[] = {
		{"a", 1, 1, 'a'},
		{"\0", 1, 1, 0},
		{"\x7f", 1, 1, 0x7f},
		{"\xc2\x80", 2, 2, 0x80},
		{"\xdf\xbf", 2, 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 3, 0x800},
		{"\xed\x9f\xbf", 3, 3, 0xd7ff},
		{"\xee\x80\x80", 3, 3, 0xe000},
		{"\xef\xbf\xbf", 3, 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		{"", 0, 0, 0},
		{"\x80", 1, 0, 0},
		{"\xbf"
		 "a",
		 2, 0, 0},
		{"\xc0\xaf", 2, 0, 0},
		{"\xc1\xbf", 2, 0, 0},
		{"\xe0\x9f\xbf", 3, 0, 0},
		{"\xed\xa0\x80", 3, 0, 0},
		{"\xed\xbf\xbf", 3, 0, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0, 0},
		{"\xf4\x90\x80\x80", 4, 0, 0},
		{"\xf5\x80\x80\x80", 4, 0, 0},
		{"\xff", 1, 0, 0},
		{"\xc2", 1, 0, 0},
		{"\xe2\x82", 2, 0, 0},
		{"\xf0\x9f\x98", 3, 0, 0},
		{"\xe2\x82"
		 "a",
		 3, 0, 0},
		{"\xf0\x9f\x98\0", 4, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t c = 0;

		CHECK_MSG(utf8_next(cases[i].bytes, cases[i].len, &c) == cases[i].is, "case %zu",
			  i);
		if (cases[i].is > 0)
			CHECK_INT((int64_t)c, (int64_t)cases[i].c);
		CHECK_MSG(utf8_valid(cases[i].bytes, cases[i].len) ==
				  (cases[i].len == 0 || cases[i].is > 0),
			  "case %zu", i);
	}
}

TEST(what_is_none_is_replaced)
{
	struct buf out = {0};

	utf8_add(&out, "a\xff\xe2\x82\xac\0\xe2\x82", 8);
	CHECK_STR(out.data, "a\xef\xbf\xbd\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	out.len = 0;
	utf8_add(&out, "", 0);
	CHECK_STR(out.data, "");
	utf8_add(&out, "plain", 5);
	CHECK_STR(out.data, "plain");
	buf_fini(&out);
}
