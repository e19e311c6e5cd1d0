#include "builder/natives/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

static struct json *
parse(const char *text)
{
	struct err e = {0};
	struct json *v = json_parse(text, strlen(text), &e);

	CHECK_MSG(v != NULL, "%s: %s", text, e.msg);
	return v;
}

/* "x86_64-linux-gnu napi-v8 build; …" */
static char *
tell(const struct coverage *c)
{
	struct buf out = {0};

	buf_adds(&out, "");
	for (size_t i = 0; i < c->count; i++) {
		char abi[ABI_TEXT_SIZE];

		coverage_abi_text(c->rows[i].abi, abi);
		buf_addf(&out, "%s%s %s %s", i > 0 ? "; " : "", c->rows[i].target->node_arch, abi,
			 coverage_state_name(c->rows[i].state));
	}
	return buf_take(&out);
}

static void
check(const struct coverage *c, const char *want)
{
	char *have = tell(c);

	CHECK_STR(have, want);
	free(have);
}

/* For x64 there is a toolchain, for arm64 there is none. */
struct world {
	const struct target *targets[2];
	struct json *can, *artifacts;
	struct coverage_wants wants;
};

static void
world_init(struct world *w, const char *artifacts)
{
	*w = (struct world){
		.targets = {target_find("linux-x64"), target_find("linux-arm64")},
		.can = parse("[{\"target\":\"x86_64-linux-gnu\",\"buildable\":true},"
			     "{\"target\":\"aarch64-linux-gnu\",\"buildable\":false}]"),
		.artifacts = parse(artifacts),
	};
	w->wants = (struct coverage_wants){
		.targets = w->targets, .target_count = 2, .can = w->can, .artifacts = w->artifacts};
}

static void
world_fini(struct world *w)
{
	json_free(w->can);
	json_free(w->artifacts);
}

TEST(who_has_it)
{
	static const struct {
		struct abi abi;
		bool gyp;
		const char *downloads, *prebuild, *artifacts, *want,
			*why; /* why: of the last row */
	} cases[] = {
		{{ABI_NAPI, 8},
		 true,
		 NULL,
		 NULL,
		 "[]",
		 "x64 napi-v8 build; arm64 napi-v8 neither",
		 "toolchain"},
		{{ABI_NAPI, 8},
		 true,
		 NULL,
		 NULL,
		 "[{\"package\":\"a\",\"version\":\"1.0.0\",\"abi\":\"napi-v8\","
		 "\"target\":\"x86_64-linux-gnu\"}]",
		 "x64 napi-v8 published; arm64 napi-v8 neither",
		 "toolchain"},
		/* Another version, package or ABI is another thing. */
		{{ABI_NAPI, 8},
		 true,
		 NULL,
		 NULL,
		 "[{\"package\":\"a\",\"version\":\"1.0.1\",\"abi\":\"napi-v8\","
		 "\"target\":\"x86_64-linux-gnu\"},"
		 "{\"package\":\"b\",\"version\":\"1.0.0\",\"abi\":\"napi-v8\","
		 "\"target\":\"x86_64-linux-gnu\"},"
		 "{\"package\":\"a\",\"version\":\"1.0.0\",\"abi\":\"napi-v6\","
		 "\"target\":\"x86_64-linux-gnu\"}]",
		 "x64 napi-v8 build; arm64 napi-v8 neither",
		 "toolchain"},
		/* What the service has chosen for V8 is told. */
		{{ABI_NODE, 0},
		 true,
		 NULL,
		 NULL,
		 "[{\"package\":\"a\",\"version\":\"1.0.0\",\"abi\":\"node-v115\","
		 "\"target\":\"x86_64-linux-gnu\"}]",
		 "x64 node-v115 published; arm64 V8 neither",
		 "toolchain"},
		{{ABI_NODE, 0},
		 true,
		 "prebuild-install",
		 NULL,
		 "[]",
		 "x64 V8 build; arm64 V8 claimed",
		 "not verified"},
		{{ABI_NAPI, 8},
		 true,
		 NULL,
		 "prebuilds/linux-arm64/node.napi.node",
		 "[]",
		 "x64 napi-v8 build; arm64 napi-v8 upstream",
		 "prebuilds/linux-arm64"},
		{{ABI_NONE, 0},
		 false,
		 NULL,
		 NULL,
		 "[]",
		 "x64 - neither; arm64 - neither",
		 "no binding.gyp"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct native n = {.name = xstrdup("a"),
				   .version = xstrdup("1.0.0"),
				   .abi = cases[i].abi,
				   .gyp = cases[i].gyp,
				   .downloads = cases[i].downloads};
		struct coverage c = {0};
		struct world w;

		if (cases[i].prebuild != NULL)
			strv_add(&n.prebuilds, cases[i].prebuild);
		world_init(&w, cases[i].artifacts);
		coverage_add(&c, &n, &w.wants);
		check(&c, cases[i].want);
		CHECK_MSG(c.count == 2 && c.rows[1].why != NULL &&
				  strstr(c.rows[1].why, cases[i].why) != NULL,
			  "case %zu: %s", i, c.count == 2 ? c.rows[1].why : "");
		coverage_fini(&c);
		world_fini(&w);
		native_fini(&n);
	}
}

TEST(packages_for_platforms_are_not_built)
{
	struct native n = {.name = xstrdup("a"), .version = xstrdup("1.0.0")};
	struct json *member = parse("{\"name\":\"a-x64\",\"version\":\"1.0.0\",\"os\":[\"linux\"],"
				    "\"cpu\":[\"x64\"]}");
	struct coverage c = {0};
	struct world w;

	native_add_platform(&n, member);
	world_init(&w, "[]");
	coverage_add(&c, &n, &w.wants);
	check(&c, "x64 - upstream; arm64 - neither");
	CHECK(coverage_request(&c, &n) == NULL);
	/* What npm would not install for a target needs nothing there. */
	strv_add(&n.itself.cpu, "arm64");
	coverage_fini(&c);
	coverage_add(&c, &n, &w.wants);
	check(&c, "arm64 - neither");
	coverage_fini(&c);
	world_fini(&w);
	native_fini(&n);
	json_free(member);
}

/* Each package is built for the ABIs of its own kind. */
TEST(abis_that_are_asked_for)
{
	static const struct abi abis[] = {{ABI_NODE, 127}, {ABI_NODE, 137}};
	struct native v8 = {.name = xstrdup("a"),
			    .version = xstrdup("1.0.0"),
			    .abi = {ABI_NODE, 0},
			    .gyp = true};
	struct native napi = {.name = xstrdup("b"),
			      .version = xstrdup("1.0.0"),
			      .abi = {ABI_NAPI, 8},
			      .gyp = true};
	struct coverage c = {0};
	struct json *request;
	struct world w;
	char *text;

	world_init(&w, "[]");
	w.wants.target_count = 1;
	w.wants.abis = abis;
	w.wants.abi_count = 2;
	coverage_add(&c, &v8, &w.wants);
	coverage_add(&c, &napi, &w.wants);
	check(&c, "x64 node-v127 build; x64 node-v137 build; x64 napi-v8 build");
	request = coverage_request(&c, &v8);
	text = json_text(request);
	CHECK_STR(text,
		  "{\"package\":\"a\",\"version\":\"1.0.0\",\"targets\":[\"x86_64-linux-gnu\"],"
		  "\"abis\":[\"node-v127\",\"node-v137\"]}");
	free(text);
	json_free(request);
	coverage_fini(&c);

	/* The service chooses. */
	w.wants.abi_count = 0;
	coverage_add(&c, &v8, &w.wants);
	request = coverage_request(&c, &v8);
	CHECK(json_get(request, "abis") == NULL && json_get(request, "targets") != NULL);
	json_free(request);
	coverage_fini(&c);
	world_fini(&w);
	native_fini(&v8);
	native_fini(&napi);
}

TEST(what_became_of_it)
{
	struct native n = {.name = xstrdup("a"),
			   .version = xstrdup("1.0.0"),
			   .abi = {ABI_NODE, 0},
			   .gyp = true};
	struct json *queued = parse("{\"id\":\"b1\",\"jobs\":[{\"id\":\"j1\",\"state\":\"queued\","
				    "\"target\":\"x86_64-linux-gnu\",\"abi\":null}]}");
	struct json *failed = parse("{\"id\":\"b1\",\"jobs\":[{\"id\":\"j1\",\"state\":\"failed\","
				    "\"target\":\"x86_64-linux-gnu\",\"abi\":\"node-v115\","
				    "\"error\":{\"message\":\"broken\"}}]}");
	struct json *built =
		parse("{\"id\":\"b1\",\"jobs\":[{\"id\":\"j1\",\"state\":\"succeeded\","
		      "\"target\":\"x86_64-linux-gnu\",\"abi\":\"node-v115\"}]}");
	const struct json *ends[] = {failed, built};
	static const char *const wants[] = {"x64 V8 failed", "x64 node-v115 built"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct coverage c = {0};
		struct json *list;
		struct world w;

		world_init(&w, "[]");
		w.wants.target_count = 1;
		coverage_add(&c, &n, &w.wants);
		coverage_update(&c, &n, queued);
		check(&c, "x64 V8 requested");
		coverage_update(&c, &n, ends[i]);
		check(&c, wants[i]);
		CHECK_INT(coverage_state_ready(c.rows[0].state), ends[i] == built);
		list = coverage_json(&c);
		CHECK_STR(json_str(json_first(list), "build", NULL), "b1");
		json_free(list);
		coverage_fini(&c);
		coverage_add(&c, &n, &w.wants);
		coverage_refused(&c, &n, "the queue is full");
		check(&c, "x64 V8 failed");
		CHECK_STR(c.rows[0].why, "the queue is full");
		coverage_fini(&c);
		world_fini(&w);
	}
	native_fini(&n);
	json_free(queued);
	json_free(failed);
	json_free(built);
}
