#include "builder/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static struct json *
parse(const char *text)
{
	return json_parse(text, strlen(text), NULL);
}

TEST(what_is_json_and_what_is_not)
{
	static const struct {
		const char *text;
		size_t len; /* 0: strlen */
		bool ok;
	} cases[] = {
		{"{}", 0, true},
		{" [1, 2]\r\n\t ", 0, true},
		{"\"text\"", 0, true},
		{"null", 0, true},
		{"-0.5e3", 0, true},
		{"[\"[[[[\\\"{{\"]", 0, true},
		{"", 0, false},
		{" ", 0, false},
		{"{", 0, false},
		{"{\"a\":}", 0, false},
		{"[1,]", 0, false},
		{"{a:1}", 0, false},
		{"'a'", 0, false},
		{"\"open", 0, false},
		{"{} {}", 0, false},
		{"{}x", 0, false},
		{"nul", 0, false},
		{"\"a\\u0000b\"", 0, false},
		{"{\"a\\u0000b\":1}", 0, false},
		{"\"a\\\\u0000b\"", 0, true},
		{"[1]\0", 4, false},
		{"[\"a\0b\"]", 7, false},
		{"[1]]", 3, true},
		{"[12", 2, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = cases[i].len != 0 ? cases[i].len : strlen(cases[i].text);
		/* Exactly as long as it says, so that a read past the end is seen. */
		char *text = xmalloc(len + 1);
		struct err e = {0};
		struct json *v;

		memcpy(text, cases[i].text, len);
		text = xrealloc(text, len > 0 ? len : 1);
		v = json_parse(text, len, &e);
		CHECK_MSG((v != NULL) == cases[i].ok, "case %zu: %s", i, cases[i].text);
		CHECK_INT(e.code, cases[i].ok ? 0 : ERR_INVALID);
		json_free(v);
		free(text);
	}
}

TEST(nesting_has_a_limit)
{
	static const struct {
		size_t depth;
		bool ok;
	} cases[] = {{1, true}, {100, true}, {101, false}, {1000000, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t depth = cases[i].depth;
		char *text = xmalloc(2 * depth);
		struct json *v;

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		v = json_parse(text, 2 * depth, NULL);
		CHECK_MSG((v != NULL) == cases[i].ok, "%zu levels", depth);
		json_free(v);
		free(text);
	}
}

TEST(numbers)
{
	static const struct {
		const char *text;
		int64_t want; /* with fallback -7 */
	} cases[] = {
		{"0", 0},
		{"-1", -1},
		{"2.9", 2},
		{"9007199254740992", INT64_C(9007199254740992)},
		{"-9007199254740992", INT64_C(-9007199254740992)},
		{"9007199254740994", -7},
		{"1e300", -7},
		{"-1e999", -7},
		{"\"1\"", -7},
		{"null", -7},
		{"true", -7},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json *v = parse(cases[i].text);

		CHECK_MSG(v != NULL, "%s", cases[i].text);
		CHECK_MSG(json_number(v, -7) == cases[i].want, "%s gives %lld", cases[i].text,
			  (long long)json_number(v, -7));
		json_free(v);
	}
	CHECK_INT(json_number(NULL, -7), -7);
}

TEST(getters_fall_back)
{
	struct json *v = parse("{\"s\":\"x\",\"n\":5,\"b\":true,\"z\":null,\"o\":{\"i\":1},"
			       "\"l\":[1,2,3],\"S\":\"upper\"}");

	CHECK_STR(json_str(v, "s", "f"), "x");
	CHECK_STR(json_str(v, "S", "f"), "upper");
	CHECK_STR(json_str(v, "n", "f"), "f");
	CHECK_STR(json_str(v, "z", "f"), "f");
	CHECK_STR(json_str(v, "none", NULL), NULL);
	CHECK_INT(json_int(v, "n", 9), 5);
	CHECK_INT(json_int(v, "s", 9), 9);
	CHECK(json_bool(v, "b", false));
	CHECK(json_bool(v, "n", true));
	CHECK(!json_bool(v, "none", false));
	CHECK_INT(json_int(json_get(json_get(v, "o"), "none"), "i", 9), 9);
	CHECK_INT(json_int(json_get(v, "o"), "i", 9), 1);
	CHECK(json_get(json_get(v, "s"), "i") == NULL);
	CHECK(json_get(NULL, "i") == NULL);
	CHECK_INT((int64_t)json_count(json_get(v, "l")), 3);
	CHECK_INT((int64_t)json_count(json_get(v, "none")), 0);
	CHECK(json_is_null(json_get(v, "z")) && !json_is_null(json_get(v, "none")));
	CHECK(json_is_object(v) && !json_is_array(v));
	CHECK(json_is_array(json_get(v, "l")) && !json_is_object(NULL));
	CHECK_STR(json_name(json_get(v, "o")), "o");
	CHECK_STR(json_name(NULL), NULL);
	json_free(v);
}

/* Two readers of one document must not disagree silently about which member counts: ours is the
 * first, always. */
TEST(of_duplicate_names_the_first_counts)
{
	struct json *v = parse("{\"a\":1,\"a\":2}");

	CHECK_INT(json_int(v, "a", 0), 1);
	json_free(v);
}

TEST(made_values_print_and_parse_again)
{
	struct json *v = json_object(), *list = json_array(), *again;
	int64_t sum = 0;
	char *text;

	json_set_str(v, "s", "a\"\\\n\x01é");
	json_set_str(v, "nothing", NULL);
	json_set_int(v, "n", 1);
	json_set_int(v, "n", INT64_C(1767225600000));
	json_set_bool(v, "b", false);
	json_add_str(list, "x");
	json_add(list, json_copy(v));
	json_set(v, "list", list);
	text = json_text(v);
	CHECK_STR(text, "{\"s\":\"a\\\"\\\\\\n\\u0001é\",\"nothing\":null,\"n\":1767225600000,"
			"\"b\":false,\"list\":[\"x\",{\"s\":\"a\\\"\\\\\\n\\u0001é\","
			"\"nothing\":null,\"n\":1767225600000,\"b\":false}]}");
	again = parse(text);
	CHECK_STR(json_str(again, "s", NULL), "a\"\\\n\x01é");
	json_foreach (item, json_get(again, "list"))
		sum += 1 + json_int(item, "n", 0);
	CHECK_INT(sum, INT64_C(1767225600002));
	free(text);
	text = json_pretty(again);
	CHECK(strchr(text, '\n') != NULL);
	free(text);
	json_free(again);
	json_free(v);
}

/* What comes of file names, symbols and compilers is any bytes; what we write is JSON. */
TEST(what_is_written_is_utf8)
{
	struct json *o = json_object(), *again;
	char *text;

	json_set_str(o, "file",
		     "b\xff"
		     "d\xe2\x82.node");
	json_set_str(o, "na\xc0me", "\xe2\x82\xac");
	text = json_text(o);
	CHECK_STR(text, "{\"file\":\"b\xef\xbf\xbd"
			"d\xef\xbf\xbd\xef\xbf\xbd.node\","
			"\"na\xef\xbf\xbdme\":\"\xe2\x82\xac\"}");
	again = parse(text);
	CHECK(again != NULL);
	json_free(again);
	free(text);
	text = json_pretty(o);
	CHECK(strstr(text, "\xff") == NULL);
	free(text);
	json_free(o);
}
