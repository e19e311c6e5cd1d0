#include "api/routes/build_request.h"

#include <stdio.h>
#include <string.h>

#include "api/catalog/jobs.h"
#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* What was read; body owns its strings. */
struct reading {
	struct json *body;
	struct build_request want;
	bool all;
	struct err e;
};

static int
read_text(struct reading *r, const char *text)
{
	*r = (struct reading){0};
	seed_keep("request", NULL, 0, text, strlen(text));
	r->body = json_parse(text, strlen(text), &r->e);
	if (r->body == NULL)
		return r->e.code;
	return build_request_read(r->body, &r->want, &r->all, &r->e);
}

TEST(targets_by_any_of_their_names)
{
	struct reading r;

	CHECK_INT(
		read_text(
			&r,
			"{\"package\":\"sqlite3\",\"version\":\"6.0.1\",\"targets\":"
			"[\"x86_64-linux-gnu\",\"linux-arm64\",\"linux-x64\",\"linuxmusl-x64\"]}"),
		0);
	CHECK_STR(r.want.package, "sqlite3");
	CHECK_STR(r.want.version, "6.0.1");
	CHECK(!r.all);
	/* linux-x64 is the first one again. */
	CHECK_INT((int64_t)r.want.target_count, 3);
	CHECK_STR(r.want.targets[0], "x86_64-linux-gnu");
	CHECK_STR(r.want.targets[1], "aarch64-linux-gnu");
	CHECK_STR(r.want.targets[2], "x86_64-linux-musl");
	CHECK_INT((int64_t)r.want.abi_count, 0);
	json_free(r.body);
}

TEST(all_targets_and_abis)
{
	struct reading r;

	CHECK_INT(read_text(&r, "{\"package\":\"@a/b\",\"version\":\"1.0.0-rc.1+b\",\"targets\":"
				"\"all\",\"abis\":[\"napi-v6\",\"node-v127\"]}"),
		  0);
	CHECK(r.all);
	CHECK_INT((int64_t)r.want.target_count, 0);
	CHECK_INT((int64_t)r.want.abi_count, 2);
	CHECK_STR(r.want.abis[0], "napi-v6");
	CHECK_STR(r.want.abis[1], "node-v127");
	json_free(r.body);
	CHECK_INT(read_text(&r, "{\"abis\":null,\"targets\":\"all\",\"version\":\"1.0.0\","
				"\"package\":\"a\"}"),
		  0);
	CHECK_INT((int64_t)r.want.abi_count, 0);
	json_free(r.body);
}

TEST(what_is_refused)
{
#define GOOD "\"package\":\"a\",\"version\":\"1.0.0\""
#define ARM  "\"targets\":[\"linux-arm64\"]"
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"{" GOOD "," ARM ",\"pakage\":1}", ERR_INVALID, "unknown field \"pakage\""},
		{"{}", ERR_INVALID, "package: \"\""},
		{"{\"package\":[\"a\"],\"version\":\"1.0.0\"," ARM "}", ERR_INVALID, "package"},
		{"{\"package\":\"../a\",\"version\":\"1.0.0\"," ARM "}", ERR_INVALID, "../a"},
		{"{\"package\":\"a\"," ARM "}", ERR_INVALID, "version: \"\""},
		{"{\"package\":\"a\",\"version\":1," ARM "}", ERR_INVALID, "version"},
		{"{\"package\":\"a\",\"version\":\"^1.0.0\"," ARM "}", ERR_INVALID, "^1.0.0"},
		{"{\"package\":\"a\",\"version\":\"latest\"," ARM "}", ERR_INVALID, "latest"},
		{"{" GOOD "}", ERR_INVALID, "targets: a list"},
		{"{" GOOD ",\"targets\":[]}", ERR_INVALID, "targets: a list"},
		{"{" GOOD ",\"targets\":\"everything\"}", ERR_INVALID, "targets: a list"},
		{"{" GOOD ",\"targets\":{\"a\":1}}", ERR_INVALID, "targets: a list"},
		{"{" GOOD ",\"targets\":[1]}", ERR_INVALID, "must be a string"},
		{"{" GOOD ",\"targets\":[\"linux-arm64\",null]}", ERR_INVALID, "must be a string"},
		{"{" GOOD ",\"targets\":[\"pdp11-unix\"]}", ERR_UNSUPPORTED, "pdp11-unix"},
		{"{" GOOD ",\"targets\":[\"linux-ARM64\"]}", ERR_UNSUPPORTED, "linux-ARM64"},
		{"{" GOOD "," ARM ",\"abis\":\"napi-v6\"}", ERR_INVALID, "abis: a list"},
		{"{" GOOD "," ARM ",\"abis\":[6]}", ERR_INVALID, "not like napi-v6"},
		{"{" GOOD "," ARM ",\"abis\":[\"napi\"]}", ERR_INVALID, "\"napi\""},
		{"{" GOOD "," ARM ",\"abis\":[\"electron-v33.0\"]}", ERR_INVALID, "electron-v33.0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reading r;

		CHECK_INT(read_text(&r, cases[i].text), cases[i].code);
		CHECK_MSG(strstr(r.e.msg, cases[i].says) != NULL, "%s: %s", cases[i].text, r.e.msg);
		json_free(r.body);
	}
}

TEST(other_origins)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"{\"git\":{\"url\":\"https://e.org/a\",\"ref\":\"main\"}," ARM "}", 0, ""},
		{"{\"git\":{\"url\":\"https://e.org/a\"}," GOOD "," ARM "}", 0, ""},
		{"{\"git\":[1]," ARM "}", ERR_INVALID, "git: {"},
		{"{\"git\":\"https://e.org/a\"," ARM "}", ERR_INVALID, "git: {"},
		{"{\"git\":{\"ref\":\"main\"}," ARM "}", ERR_INVALID, "git: {"},
		{"{\"git\":{\"url\":\"https://e.org/a\",\"depth\":1}," ARM "}", ERR_INVALID,
		 "git.depth"},
		{"{\"git\":{\"url\":\"file:///a\"}," ARM "}", ERR_UNSUPPORTED, "only https"},
		{"{\"git\":{\"url\":\"https://e.org/a\"},\"package\":\"../a\"," ARM "}",
		 ERR_INVALID, "../a"},
		{"{\"git\":{\"url\":\"https://e.org/a\"},\"version\":1," ARM "}", ERR_INVALID,
		 "version"},
		{"{\"git\":{\"url\":\"https://e.org/a\"},\"version\":\"1.0.0+git.0123456789ab\"," ARM
		 "}",
		 ERR_INVALID, "the one of its package.json"},
		{"{\"source\":\"sha256:0123\"," ARM "}", ERR_INVALID, "source: "},
		{"{\"source\":{\"a\":1}," ARM "}", ERR_INVALID, "source: "},
		{"{\"source\":\"sha256:0123\",\"git\":{}," ARM "}", ERR_INVALID, "has one of them"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reading r;

		CHECK_INT(read_text(&r, cases[i].text), cases[i].code);
		CHECK_MSG(strstr(r.e.msg, cases[i].says) != NULL, "%s: %s", cases[i].text, r.e.msg);
		json_free(r.body);
	}
}

TEST(limits)
{
	struct buf text = {0};
	struct reading r;

	buf_adds(&text, "{" GOOD "," ARM ",\"abis\":[");
	for (int i = 0; i < 9; i++)
		buf_addf(&text, "%s\"napi-v%d\"", i > 0 ? "," : "", 1 + i);
	buf_adds(&text, "]}");
	CHECK_INT(read_text(&r, text.data), ERR_TOO_LARGE);
	CHECK_MSG(strstr(r.e.msg, "more than 8") != NULL, "%s", r.e.msg);
	json_free(r.body);
	buf_fini(&text);
}
