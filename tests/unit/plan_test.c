#include "builder/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/buf.h"
#include "builder/base/json.h"
#include "builder/plan/flags.h"
#include "builder/plan/weight.h"
#include "tests/lib/plan_toolchain.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

/* Longer ones are of the same thing thousands of times. */
#define SEED_MAX 4000

static int
plan_for(const char *target, const char *text, struct abi abi, struct plan *p, struct err *e)
{
	struct json *gyp = json_parse(text, strlen(text), NULL);
	struct toolchain t;
	char choice;
	int r;

	CHECK(gyp != NULL);
	plan_toolchain(target, &t);
	choice = (char)('0' + (t.target->pe_machine != 0) + 2 * (t.target->macho_cpu != 0) +
			4 * (abi.kind == ABI_NODE));
	if (strlen(text) <= SEED_MAX)
		seed_keep("plan", &choice, 1, text, strlen(text));
	r = plan_make(gyp, &t, abi, p, e);
	toolchain_fini(&t);
	json_free(gyp);
	return r;
}

static int
plan_text(const char *text, struct plan *p, struct err *e)
{
	return plan_for("linux-x64", text, (struct abi){ABI_NAPI, 6}, p, e);
}

static char *
joined(const struct strv *v)
{
	struct buf b = {0};

	for (size_t i = 0; i < v->n; i++)
		buf_addf(&b, "%s%s", i > 0 ? " " : "", v->at[i]);
	return buf_take(&b);
}

static bool
needs(const struct step *s, size_t other)
{
	for (size_t i = 0; i < s->need_count; i++)
		if (s->needs[i] == other)
			return true;
	return false;
}

/* The shape of sqlite3's own description: an action, a static library, a module. */
static const char sqlite_like[] =
	"{\"targets\":["
	"{\"id\":\"binding.gyp:m\",\"dir\":\"/work/src\",\"target_name\":\"m\","
	"\"type\":\"loadable_module\",\"sources\":[\"src/a.cc\",\"src/a.h\"],"
	"\"dependencies\":[\"deps/d.gyp:lib\"],\"libraries\":[\"-lz\"],"
	"\"release\":{\"defines\":[\"A=1\",\"B=\\\"x y\\\"\"],\"include_dirs\":[\"inc\",\"/abs\"],"
	"\"cflags\":[\"-O3\",\"-march=native\"],\"cflags_cc\":[\"-std=gnu++17\"],"
	"\"ldflags\":[\"-pthread\",\"-rdynamic\"]}},"
	"{\"id\":\"deps/d.gyp:lib\",\"dir\":\"/work/src/deps\",\"target_name\":\"lib\","
	"\"type\":\"static_library\",\"sources\":[\"/work/gen/s.c\"],"
	"\"dependencies\":[\"deps/d.gyp:act\"],\"release\":{\"cflags\":[\"-std=c99\"]}},"
	"{\"id\":\"deps/d.gyp:act\",\"dir\":\"/work/src/deps\",\"target_name\":\"act\","
	"\"type\":\"none\",\"actions\":[{\"action_name\":\"unpack\",\"action\":[\"node\",\"x.js\"]}]}"
	"]}";

TEST(an_action_a_library_and_a_module)
{
	static const enum step_kind kinds[] = {STEP_ACTION,  STEP_COMPILE, STEP_ARCHIVE,
					       STEP_COMPILE, STEP_LINK,    STEP_STRIP};
	struct err e = {0};
	struct plan p;
	char *text;

	CHECK_INT(plan_text(sqlite_like, &p, &e), 0);
	CHECK_INT((int64_t)p.count, 6);
	for (size_t i = 0; i < p.count && i < 6; i++)
		CHECK_INT(p.steps[i].kind, kinds[i]);
	CHECK_STR(p.addon, "m.node");
	CHECK_STR(p.steps[0].cwd, "/work/src/deps");
	CHECK(needs(&p.steps[1], 0) && needs(&p.steps[3], 0));
	CHECK(needs(&p.steps[2], 1) && needs(&p.steps[4], 2) && needs(&p.steps[5], 4));
	CHECK(strv_has(&p.dropped, "-march=native") && strv_has(&p.dropped, "-rdynamic"));
	text = joined(&p.steps[3].argv);
	CHECK_MSG(strstr(text, "CXX -O3 -std=gnu++17 -DA=1 -DB=\"x y\" -I/work/src/inc -I/abs "
			       "-fPIC ") == text,
		  "%s", text);
	CHECK(strstr(text, "-march=native") == NULL);
	CHECK(strstr(text, " -ours -c /work/src/src/a.cc -o /work/obj/") != NULL);
	free(text);
	text = joined(&p.steps[4].argv);
	CHECK(strstr(text, "CXX -shared -Wl,-soname,m.node /work/obj/") == text);
	CHECK_MSG(strstr(text, "-liblib.a -pthread -lz ") != NULL, "%s", text);
	CHECK(strstr(text, "-ldours -Wl,--version-script=/work/exports.map -lm -o") != NULL);
	free(text);
	plan_fini(&p);
}

TEST(folders_of_what_an_action_writes_are_there)
{
	struct err e = {0};
	struct plan p;
	char *text;

	CHECK_INT(plan_text("{\"targets\":[{\"id\":\"binding.gyp:m\",\"dir\":\"/work/src\","
			    "\"target_name\":\"m\",\"type\":\"loadable_module\","
			    "\"sources\":[\"a.c\"],\"release\":{},\"actions\":[{\"action_name\":"
			    "\"unpack\",\"action\":[\"tar\"],\"outputs\":[\"/work/gen/x/a.c\","
			    "\"/work/gen/x/a.h\",\"y/b.c\",\"here.c\"]}]}]}",
			    &p, &e),
		  0);
	text = joined(&p.steps[0].argv);
	CHECK_STR(text, "/bin/mkdir -p -- /work/gen/x /work/src/y");
	CHECK_STR(p.steps[1].label, "action unpack");
	CHECK(needs(&p.steps[1], 0) && needs(&p.steps[2], 1));
	free(text);
	plan_fini(&p);
}

TEST(an_addon_for_a_node_abi_gets_the_library_of_node)
{
	struct plan p;
	struct err e = {0};
	char *text;

	CHECK_INT(plan_for("linux-x64", sqlite_like, (struct abi){ABI_NODE, 115}, &p, &e), 0);
	for (size_t i = 0; i < p.count; i++) {
		text = joined(&p.steps[i].argv);
		CHECK_MSG(strstr(text, "CXX ") == NULL && strstr(text, "-lm") == NULL, "%s", text);
		if (p.steps[i].kind == STEP_LINK)
			CHECK(strncmp(text, "CXX-V8 -shared", 14) == 0 &&
			      strstr(text, "exports.map libstdc++.a -o") != NULL);
		free(text);
	}
	plan_fini(&p);
}

TEST(what_cannot_be_built_is_refused_by_name)
{
	static const struct {
		const char *json, *says;
		int code;
	} cases[] = {
		{"{}", "no targets", ERR_BUILD},
		{"{\"targets\":[]}", "no targets", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"none\"}]}",
		 "no addon", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"rules\":[{\"rule_name\":\"r\"}]}]}",
		 "custom rules", ERR_UNSUPPORTED},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"toolset\":\"host\"}]}",
		 "build machine", ERR_UNSUPPORTED},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"dependencies\":[\"b\"]}]}",
		 "unknown b", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"dependencies\":[\"a\"]}]}",
		 "depends on itself", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"dependencies\":[\"b\"]},"
		 "{\"id\":\"b\",\"dir\":\"/work/src\",\"type\":\"executable\"}]}",
		 "type executable", ERR_UNSUPPORTED},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"product_name\":\"../x\"}]}",
		 "no file name", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/../etc\",\"type\":\"loadable_module\"}"
		 "]}",
		 "outside", ERR_BUILD},
		{"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"type\":\"loadable_module\","
		 "\"actions\":[{\"action_name\":\"x\",\"action\":[]}]}]}",
		 "no command", ERR_BUILD},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err e = {0};
		struct plan p;

		CHECK_INT(plan_text(cases[i].json, &p, &e), cases[i].code);
		CHECK_MSG(strstr(e.msg, cases[i].says) != NULL, "\"%s\" does not say \"%s\"", e.msg,
			  cases[i].says);
	}
}

/* Each target lists the next one twice: a walk without marks would take 2^60 steps. */
TEST(shared_dependencies_are_visited_once)
{
	struct buf json = {0};
	struct err e = {0};
	struct plan p;

	buf_adds(&json, "{\"targets\":[");
	for (int i = 0; i < 60; i++) {
		buf_addf(&json,
			 "%s{\"id\":\"t%d\",\"dir\":\"/work/src\",\"target_name\":\"t%d\","
			 "\"type\":\"%s\",\"sources\":[\"a%d.c\"]",
			 i > 0 ? "," : "", i, i, i == 0 ? "loadable_module" : "static_library", i);
		if (i < 59)
			buf_addf(&json, ",\"dependencies\":[\"t%d\",\"t%d\"]", i + 1, i + 1);
		buf_adds(&json, "}");
	}
	buf_adds(&json, "]}");
	CHECK_INT(plan_text(json.data, &p, &e), 0);
	CHECK_INT((int64_t)p.count, 60 + 59 + 2);
	plan_fini(&p);
	buf_fini(&json);
}

/* One target, whose list of that name has so many items. */
static void
long_list(const char *list, const char *item, int count, struct buf *json)
{
	json->len = 0;
	buf_addf(json,
		 "{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"target_name\":\"a\","
		 "\"type\":\"loadable_module\",\"%s\":[",
		 list);
	for (int i = 0; i < count; i++)
		buf_addf(json, "%s%s", i > 0 ? "," : "", item);
	buf_adds(json, "]}]}");
}

static void
check_limit(const struct buf *json, const char *says)
{
	struct err e = {0};
	struct plan p;

	CHECK_INT(plan_text(json->data, &p, &e), ERR_LIMIT);
	CHECK_MSG(strstr(e.msg, says) != NULL, "\"%s\" does not say \"%s\"", e.msg, says);
	CHECK(p.steps == NULL && p.count == 0);
}

/* A small text can stand for many steps, each of which needs those before it. */
TEST(steps_have_a_limit)
{
	static const struct {
		const char *list, *item;
	} cases[] = {
		{"actions", "{\"action\":[\"x\"]}"},
		{"actions", "{\"action\":[\"x\"],\"outputs\":[\"/work/gen/x\"]}"},
		{"copies", "{}"},
		{"sources", "\"a.c\""},
	};
	struct buf json = {0};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		long_list(cases[i].list, cases[i].item, PLAN_STEPS_MAX + 1, &json);
		check_limit(&json, "more than 4000 steps");
	}
	long_list("sources", "\"a.h\"", PLAN_VALUES_MAX, &json);
	check_limit(&json, "more than 50000 values");
	buf_fini(&json);
}

TEST(commands_have_a_limit)
{
	char flags[20000] = "";
	struct buf json = {0};

	memset(flags, 'x', sizeof flags - 1);
	long_list("sources", "\"a.c\"", 3500, &json);
	json.len -= strlen("}]}");
	buf_addf(&json, ",\"release\":{\"cflags\":[\"-D%s\"]}}]}", flags);
	check_limit(&json, "larger than 64 MB");
	/* The same with folders, which are named from the target's. */
	json.len = 0;
	buf_addf(&json,
		 "{\"targets\":[{\"id\":\"a\",\"dir\":\"/%s\",\"type\":\"loadable_module\","
		 "\"sources\":[\"a.c\"],\"release\":{\"include_dirs\":[\"i\"",
		 flags);
	for (int i = 0; i < 3500; i++)
		buf_adds(&json, ",\"i\"");
	buf_adds(&json, "]}}]}");
	check_limit(&json, "larger than 64 MB");
	buf_fini(&json);
}

TEST(each_source_has_its_own_object)
{
	static const char text[] =
		"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"target_name\":\"a\","
		"\"type\":\"loadable_module\",\"sources\":[\"x/y.c\",\"x_y.c\"]}]}";
	struct err e = {0};
	struct plan p;

	if (!CHECK(plan_text(text, &p, &e) == 0))
		return;
	for (size_t i = 0; i < 2; i++) {
		const struct strv *argv = &p.steps[i].argv;

		CHECK_STR(argv->at[argv->n - 1],
			  i == 0 ? "/work/obj/0-x_y.c.o" : "/work/obj/0-x_y.c.o.1.o");
		CHECK(strv_has(&p.steps[2].argv, argv->at[argv->n - 1]));
	}
	plan_fini(&p);
}

TEST(what_is_left_out_is_told_of_within_reason)
{
	struct strv kept = {0}, dropped = {0};

	for (int i = 0; i < 1000; i++) {
		char flag[32];

		snprintf(flag, sizeof flag, "-flto=%d", i);
		flags_add_package(flag, &kept, &dropped);
	}
	CHECK(kept.n == 0 && dropped.n == 100);
	strv_fini(&dropped);
}

TEST(flags_are_split_as_a_shell_does_and_sorted)
{
	struct strv kept = {0}, dropped = {0};
	char *text;

	flags_add_package("-O2  '-DX=a b' -D\"Y=1\" -flto=4 -mtune=native -mminimal-toc", &kept,
			  &dropped);
	text = joined(&kept);
	CHECK_STR(text, "-O2 -DX=a b -DY=1");
	free(text);
	text = joined(&dropped);
	CHECK_STR(text, "-flto=4 -mtune=native -mminimal-toc");
	free(text);
	CHECK_INT((int64_t)kept.n, 3);
	flags_add_linker("-Wl,-rpath,/x -lfoo", &kept, &dropped);
	CHECK(strv_has(&kept, "-lfoo") && strv_has(&dropped, "-Wl,-rpath,/x"));
	strv_fini(&kept);
	strv_fini(&dropped);
}

/* What node-gyp makes of an addon with OS=win: as sqlite3's, with one thing of every kind. */
static const char windows_like[] =
	"{\"targets\":[{\"id\":\"a#target\",\"dir\":\"/work/src\",\"target_name\":\"a\","
	"\"type\":\"loadable_module\",\"sources\":[\"a.cc\",\"b.c\","
	"\"/node/lib/node_modules/npm/node_modules/node-gyp/src/win_delay_load_hook.cc\"],"
	"\"libraries\":[\"-lkernel32.lib\",\"-lWs2_32.lib\",\"-ldelayimp.lib\","
	"\"-l\\\"/node/$(Configuration)/node.lib\\\"\",\"shlwapi.lib\",\"-lvendor/x.lib\"],"
	"\"release\":{\"cflags\":[\"-O3\",\"-std=c99\"],\"ldflags\":[\"-Wl,-x\"],"
	"\"defines\":[\"WIN32\"],\"include_dirs\":[\"inc\"],\"msvs_settings\":{"
	"\"VCCLCompilerTool\":{\"Optimization\":\"3\",\"ExceptionHandling\":\"0\","
	"\"RuntimeTypeInfo\":\"false\",\"WarningLevel\":\"3\","
	"\"PreprocessorDefinitions\":[\"P=1\",\"%(PreprocessorDefinitions)\"],"
	"\"AdditionalOptions\":[\"/Zc:__cplusplus\",\"-std:c++17\",\"/std:c11\",\"/DQ\","
	"\"/EHsc\",\"/Qpar\"]},"
	"\"VCLinkerTool\":{\"AdditionalOptions\":[\"/ignore:4199\"],"
	"\"AdditionalDependencies\":[\"Bcrypt.lib\"]}}}}]}";

static bool
begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

TEST(microsofts_settings_are_translated)
{
	struct abi napi = {ABI_NAPI, 6};
	struct err e = {0};
	struct plan p;
	char *text;

	if (!CHECK_MSG(plan_for("win32-x64", windows_like, napi, &p, &e) == 0, "%s", e.msg))
		return;
	/* Two sources, the link, the strip: node-gyp's hook is not compiled. */
	CHECK(p.count == 4);
	text = joined(&p.steps[0].argv);
	CHECK_MSG(begins(text, "CXX -O3 -fno-exceptions -fno-rtti -std=gnu++17 -DQ -fexceptions "
			       "-DP=1 -DWIN32 -I/work/src/inc -fPIC"),
		  "%s", text);
	CHECK_MSG(strstr(text, "c99") == NULL, "%s", text);
	free(text);
	text = joined(&p.steps[1].argv);
	CHECK_MSG(begins(text, "CC -O3 -std=gnu11 -DQ -DP=1 -DWIN32 "), "%s", text);
	free(text);
	text = joined(&p.steps[2].argv);
	CHECK_MSG(strcmp(text,
			 "CXX -shared /work/obj/0-a.cc.o /work/obj/0-b.c.o -ldours -lbcrypt "
			 "-lkernel32 -lws2_32 -lshlwapi vendor/x.lib -lm -o /work/obj/a.node") == 0,
		  "%s", text);
	free(text);
	CHECK(p.dropped.n == 2);
	CHECK(strv_has(&p.dropped, "/Qpar") && strv_has(&p.dropped, "/ignore:4199"));
	plan_fini(&p);
	/* The same description for Linux has none of it. */
	CHECK_INT(plan_text(windows_like, &p, &e), 0);
	text = joined(&p.steps[1].argv);
	CHECK_MSG(begins(text, "CC -O3 -std=c99 -DWIN32 "), "%s", text);
	free(text);
	plan_fini(&p);
}

TEST(no_compiler_for_v8_is_said)
{
	struct json *gyp = json_parse(windows_like, strlen(windows_like), NULL);
	struct toolchain t;
	struct err e = {0};
	struct plan p;

	plan_toolchain("win32-x64", &t);
	strv_fini(&t.cxx_v8);
	CHECK_INT(plan_make(gyp, &t, (struct abi){ABI_NODE, 127}, &p, &e), ERR_UNSUPPORTED);
	CHECK_MSG(strstr(e.msg, "x86_64-w64-mingw32") != NULL, "%s", e.msg);
	e = (struct err){0};
	CHECK_INT(plan_make(gyp, &t, (struct abi){ABI_NAPI, 6}, &p, &e), 0);
	plan_fini(&p);
	toolchain_fini(&t);
	json_free(gyp);
}

/* What node-gyp makes of an addon with OS=mac, with one thing of every kind. */
static const char macos_like[] =
	"{\"targets\":[{\"id\":\"a#target\",\"dir\":\"/work/src\",\"target_name\":\"a\","
	"\"type\":\"loadable_module\",\"sources\":[\"a.cc\",\"b.c\",\"c.mm\",\"d.m\"],"
	"\"libraries\":[\"-lz\",\"libiconv.dylib\",\"-framework Security\","
	"\"$(SDKROOT)/System/Library/Frameworks/CoreServices.framework\",\"vendor/libx.a\"],"
	"\"release\":{\"cflags\":[\"-DCFLAGS\"],\"ldflags\":[\"-Wl,-x\"],"
	"\"defines\":[\"M=1\"],\"include_dirs\":[\"inc\"],\"xcode_settings\":{"
	"\"GCC_OPTIMIZATION_LEVEL\":\"3\",\"GCC_ENABLE_CPP_EXCEPTIONS\":\"YES\","
	"\"GCC_ENABLE_CPP_RTTI\":\"NO\",\"CLANG_CXX_LANGUAGE_STANDARD\":\"gnu++17\","
	"\"GCC_C_LANGUAGE_STANDARD\":\"c11\",\"CLANG_CXX_LIBRARY\":\"libc++\","
	"\"MACOSX_DEPLOYMENT_TARGET\":\"13.0\",\"WARNING_CFLAGS\":[\"-Wall\"],"
	"\"GCC_PREPROCESSOR_DEFINITIONS\":[\"P=1\",\"$(inherited)\"],"
	"\"OTHER_CFLAGS\":[\"-fno-strict-aliasing\",\"-flto\"],"
	"\"OTHER_CPLUSPLUSFLAGS\":[\"$(OTHER_CFLAGS)\",\"-I$(SDKROOT)/usr/include/x\"],"
	"\"OTHER_LDFLAGS\":[\"-Wl,-rpath,@loader_path\",\"-Wl,-bind_at_load\"]}}}]}";

TEST(xcodes_settings_are_translated)
{
	struct abi napi = {ABI_NAPI, 6};
	struct err e = {0};
	struct plan p;
	char *text;

	if (!CHECK_MSG(plan_for("darwin-arm64", macos_like, napi, &p, &e) == 0, "%s", e.msg))
		return;
	CHECK(p.count == 6);
	text = joined(&p.steps[0].argv);
	CHECK_MSG(begins(text, "CXX -O3 -fno-rtti -std=gnu++17 -DP=1 -fno-strict-aliasing "
			       "-I/toolchain/sysroot/usr/include/x -DM=1 -I/work/src/inc -fPIC"),
		  "%s", text);
	free(text);
	text = joined(&p.steps[1].argv);
	CHECK_MSG(begins(text, "CC -O3 -std=c11 -DP=1 -fno-strict-aliasing -DM=1 "), "%s", text);
	free(text);
	CHECK_STR(p.steps[2].argv.at[0], "CXX");
	CHECK_STR(p.steps[3].argv.at[0], "CC");
	text = joined(&p.steps[4].argv);
	CHECK_MSG(strcmp(text, "CXX -bundle /work/obj/0-a.cc.o /work/obj/0-b.c.o "
			       "/work/obj/0-c.mm.o /work/obj/0-d.m.o -Wl,-bind_at_load -lz -liconv "
			       "-framework Security -framework CoreServices vendor/libx.a -ldours "
			       "-Wl,-exported_symbol,_napi_register_module_v* "
			       "-Wl,-exported_symbol,_node_api_module_get_api_version_v* "
			       "-Wl,-exported_symbol,_node_register_module_v* -lm -o "
			       "/work/obj/a.node") == 0,
		  "%s", text);
	free(text);
	CHECK(p.dropped.n == 2);
	CHECK(strv_has(&p.dropped, "-flto") && strv_has(&p.dropped, "-Wl,-rpath,@loader_path"));
	plan_fini(&p);
	/* Without a word of the package, and elsewhere than on macOS. */
	CHECK_INT(plan_text(macos_like, &p, &e), 0);
	CHECK_MSG(p.count == 4, "Objective-C is compiled on macOS only");
	text = joined(&p.steps[1].argv);
	CHECK_MSG(begins(text, "CC -DCFLAGS -DM=1 "), "%s", text);
	free(text);
	plan_fini(&p);
}

/* C++ flags that name no others take their place. */
TEST(xcodes_flags_for_cxx_alone)
{
	static const char text[] =
		"{\"targets\":[{\"id\":\"a\",\"dir\":\"/work/src\",\"target_name\":\"a\","
		"\"type\":\"loadable_module\",\"sources\":[\"a.cc\",\"b.c\"],\"release\":"
		"{\"xcode_settings\":{\"OTHER_CFLAGS\":\"-Dboth\","
		"\"OTHER_CPLUSPLUSFLAGS\":[\"-Dcxx\"]}}}]}";
	struct err e = {0};
	struct plan p;
	char *argv;

	if (!CHECK(plan_for("darwin-x64", text, (struct abi){ABI_NAPI, 6}, &p, &e) == 0))
		return;
	argv = joined(&p.steps[0].argv);
	CHECK_MSG(begins(argv, "CXX -Os -Dcxx -fPIC"), "%s", argv);
	free(argv);
	argv = joined(&p.steps[1].argv);
	CHECK_MSG(begins(argv, "CC -Os -Dboth -fPIC"), "%s", argv);
	free(argv);
	plan_fini(&p);
}
