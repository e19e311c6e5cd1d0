#include "builder/engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/engine/configured.h"
#include "builder/engine/share.h"
#include "builder/pack/pack.h"
#include "tests/lib/test.h"
#include "tests/lib/toolchains.h"

/* Real packages, built with the real toolchain in the real sandbox. */

#define JOBS_MAX 3

struct job {
	struct bench *bench;
	struct engine *engine;
	struct buf log;
	enum job_outcome outcome;
	char code[32], error[600], sha256[DIGEST_HEX_SIZE];
	bool loaded;
	int ends;
};

/* What all jobs of a test share. */
struct bench {
	uv_loop_t loop;
	struct toolchain toolchain;
	struct share share;
	struct configured *configured;
	struct job_limits limits;
	char *bundle, source[DIGEST_HEX_SIZE];
	struct job jobs[JOBS_MAX];
	/* When job 0 comes to that stage, this happens, once. */
	const char *stage;
	void (*on_stage)(struct bench *b);
};

static const char addon_c[] = "#include <node_api.h>\n"
			      "NAPI_MODULE_INIT() { (void)env; return exports; }\n";

static void
put(const char *folder, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	struct err e = {0};

	CHECK_MSG(file_write(path, text, strlen(text), 0644, &e) == 0, "%s", e.msg);
	free(path);
}

/* A package with this binding.gyp; more: name, text, …, NULL. */
static void
set_up(struct bench *b, const char *gyp, const char *const *more)
{
	const char *package = test_path("package");
	struct digest d;
	struct err e = {0};

	*b = (struct bench){.share = {.max = 2}, .limits = job_limits_default()};
	uv_loop_init(&b->loop);
	b->configured = configured_new();
	CHECK_INT(file_mkdirs(package, 0755, &e), 0);
	put(package, "package.json", "{\"name\":\"p\",\"version\":\"1.0.0\"}");
	put(package, "binding.gyp", gyp);
	put(package, "addon.c", addon_c);
	for (size_t i = 0; more != NULL && more[i] != NULL; i += 2)
		put(package, more[i], more[i + 1]);
	b->bundle = xasprintf("%s/bundle.tar.gz", test_dir());
	CHECK_MSG(pack_tree(package, "package", b->bundle, &e) == 0, "%s", e.msg);
	CHECK_INT(digest_path(b->bundle, &d, &e), 0);
	digest_hex(&d, b->source);
}

static void
on_log(const char *text, size_t len, void *arg)
{
	buf_add(&((struct job *)arg)->log, text, len);
}

static void
on_progress(const char *stage, unsigned step, unsigned steps, void *arg)
{
	struct job *j = arg;
	struct bench *b = j->bench;

	(void)step;
	(void)steps;
	if (j == b->jobs && b->stage != NULL && strcmp(stage, b->stage) == 0) {
		b->stage = NULL;
		b->on_stage(b);
	}
}

static void
on_done(const struct engine_result *r, void *arg)
{
	struct job *j = arg;
	struct digest d;
	struct err e = {0};

	j->engine = NULL;
	j->ends++;
	j->outcome = r->outcome;
	snprintf(j->code, sizeof j->code, "%s", r->code != NULL ? r->code : "");
	snprintf(j->error, sizeof j->error, "%s", r->error != NULL ? r->error : "");
	j->loaded = json_bool(r->load, "ok", false);
	if (r->outcome == OUTCOME_SUCCEEDED && digest_path(r->addon, &d, &e) == 0)
		digest_hex(&d, j->sha256);
	buf_adds(&j->log, "");
}

static void
start(struct bench *b, int i)
{
	struct job *j = &b->jobs[i];
	char name[32];

	snprintf(name, sizeof name, "scratch-%d", i);
	CHECK_INT(file_mkdirs(test_path(name), 0755, NULL), 0);
	j->bench = b;
	j->engine = engine_start(&b->loop, &(struct engine_spec){
						   .package = "p",
						   .version = "1.0.0",
						   .abi = {ABI_NAPI, 8},
						   .toolchain = &b->toolchain,
						   .bundle = b->bundle,
						   .source = b->source,
						   .scratch = test_path(name),
						   .share = &b->share,
						   .configured = b->configured,
						   .limits = b->limits,
						   .on_log = on_log,
						   .on_progress = on_progress,
						   .on_done = on_done,
						   .arg = j,
					   });
}

/* Runs `count` jobs beside each other to their end. */
static void
run(struct bench *b, int count)
{
	if (!test_toolchain(&b->toolchain))
		return;
	for (int i = 0; i < count; i++)
		start(b, i);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	for (int i = 0; i < count; i++)
		CHECK_INT(b->jobs[i].ends, 1);
	CHECK_INT(b->share.used, 0);
	CHECK(b->share.members == NULL);
}

static void
tear_down(struct bench *b)
{
	CHECK_INT(uv_loop_close(&b->loop), 0);
	toolchain_fini(&b->toolchain);
	configured_free(b->configured);
	for (int i = 0; i < JOBS_MAX; i++)
		buf_fini(&b->jobs[i].log);
	free(b->bundle);
}

static bool
says(const struct job *j, const char *text)
{
	return j->log.data != NULL && strstr(j->log.data, text) != NULL;
}

#define GYP(more) "{\"targets\":[{\"target_name\":\"addon\"," more "}]}"
#define ACTION(command)                                                                \
	"\"actions\":[{\"action_name\":\"act\",\"inputs\":[],\"outputs\":[\"acted\"]," \
	"\"action\":[\"sh\",\"-c\",\"" command "\"]}],"
#define SHARED "configured already"

TEST(two_jobs_with_the_same_source_are_configured_once)
{
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\"]"), NULL);
	run(&b, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_MSG(b.jobs[i].outcome == OUTCOME_SUCCEEDED, "%s", b.jobs[i].error);
		CHECK(b.jobs[i].loaded);
		CHECK(says(&b.jobs[i], "[3/3] strip addon.node"));
	}
	CHECK_INT(says(&b.jobs[0], SHARED) + says(&b.jobs[1], SHARED), 1);
	CHECK_STR(b.jobs[0].sha256, b.jobs[1].sha256);
	tear_down(&b);
}

TEST(what_evaluation_writes_is_not_lost)
{
	static const char *const more[] = {
		"generate.sh", "echo 'int made(void) { return 1; }' >made.c; echo made.c", NULL};
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\",\"<!(sh generate.sh)\"]"), more);
	run(&b, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_MSG(b.jobs[i].outcome == OUTCOME_SUCCEEDED, "%s", b.jobs[i].error);
		CHECK(says(&b.jobs[i], "compile made.c"));
		CHECK(!says(&b.jobs[i], SHARED));
	}
	tear_down(&b);
}

TEST(evaluation_sees_nothing_of_the_target_and_leaves_what_scripts_read)
{
	static const char *const more[] = {
		"look.sh", "test -e /toolchain/toolchain.json && echo SEES || echo BLIND", NULL};
	struct bench b;

	set_up(&b,
	       GYP("\"defines\":[\"<!(sh look.sh)\"],"
		   "\"actions\":[{\"action_name\":\"act\",\"inputs\":[],\"outputs\":[\"acted\"],"
		   "\"action\":[\"grep\",\"-c\",\"target_defaults\",\"build/config.gypi\"]}],"
		   "\"sources\":[\"addon.c\"]"),
	       more);
	run(&b, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_MSG(b.jobs[i].outcome == OUTCOME_SUCCEEDED, "%s", b.jobs[i].error);
		CHECK(says(&b.jobs[i], " -DBLIND "));
	}
	CHECK_INT(says(&b.jobs[0], SHARED) + says(&b.jobs[1], SHARED), 1);
	tear_down(&b);
}

TEST(a_bad_description_fails_each_job_for_itself)
{
	struct bench b;

	set_up(&b, "{\"targets\": nonsense", NULL);
	run(&b, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(b.jobs[i].outcome, OUTCOME_FAILED);
		CHECK_STR(b.jobs[i].code, "build-failed");
		CHECK_MSG(strstr(b.jobs[i].error, "configure") != NULL, "%s", b.jobs[i].error);
	}
	tear_down(&b);
}

TEST(a_compilation_that_fails_ends_the_others)
{
	static const char *const more[] = {"bad.c", "int x = undeclared_thing;\n", NULL};
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\",\"bad.c\",\"addon.c\"]"), more);
	run(&b, 1);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_FAILED);
	CHECK_STR(b.jobs[0].code, "build-failed");
	CHECK_MSG(strstr(b.jobs[0].error, "undeclared_thing") != NULL, "%s", b.jobs[0].error);
	CHECK(!says(&b.jobs[0], "link addon.node"));
	tear_down(&b);
}

/* A function that the floor's glibc does not have, in a source of the addon, in one of a library of it,
 * and in an archive that came with the package. */
TEST(what_refers_to_a_refused_symbol_is_named)
{
#define MEMFD "int memfd_create(const char *, unsigned);\n"
	static const char *const more[] = {
		"first.c",
		MEMFD "int first(void) { return memfd_create(\"\", 0); }\n",
		"second.c",
		MEMFD "int first(void); int third(void);\n"
		      "int second(void) { return memfd_create(\"\", 1) + first() + third(); }\n",
		"third.c",
		MEMFD "int third(void) { return memfd_create(\"\", 2); }\n",
		"init.c",
		"int second(void);\n"
		"__attribute__((constructor)) static void init(void) { second(); }\n",
		"archive.sh",
		"clang-19 --target=x86_64-linux-gnu -fPIC -c third.c &&"
		" llvm-ar-19 rc libthird.a third.o",
		NULL};
	struct bench b;

	set_up(&b,
	       "{\"targets\":[{\"target_name\":\"addon\",\"dependencies\":[\"more\"],"
	       "\"sources\":[\"addon.c\",\"init.c\",\"first.c\"],"
	       "\"libraries\":[\"<(module_root_dir)/libthird.a\"]},"
	       "{\"target_name\":\"more\",\"type\":\"static_library\"," ACTION(
		       "sh archive.sh") "\"sources\":[\"second.c\"]}]}",
	       more);
	run(&b, 1);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_REFUSED);
	CHECK_STR(b.jobs[0].code, "audit-failed");
	CHECK_STR(b.jobs[0].error,
		  "libc-version: needs glibc 2.27; expected functions of glibc 2.17 (memfd_create "
		  "of 2.27); memfd_create is referenced by first.c, second.c, "
		  "libthird.a(third.o)");
	CHECK(says(&b.jobs[0], "which objects refer to memfd_create:"));
	CHECK(says(&b.jobs[0], "first.c.o: reference to memfd_create\n"));
	tear_down(&b);
}

/* A package whose linker refuses what nobody defines. */
TEST(what_refers_to_an_undefined_symbol_is_named)
{
	static const char *const more[] = {"first.c",
					   MEMFD
					   "__attribute__((constructor)) static void first(void)\n"
					   "{ memfd_create(\"\", 0); }\n",
					   NULL};
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\",\"first.c\"],\"ldflags\":[\"-Wl,-z,defs\"]"),
	       more);
	run(&b, 1);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_FAILED);
	CHECK_STR(b.jobs[0].code, "build-failed");
	CHECK_MSG(strstr(b.jobs[0].error,
			 "undefined symbol: memfd_create, referenced by first.c") != NULL,
		  "%s", b.jobs[0].error);
	tear_down(&b);
}

TEST(a_link_in_the_place_of_the_plan_is_not_followed)
{
	static const char *const more[] = {
		"link.sh", "ln -s src/elsewhere.json /work/plan.json; echo addon.c", NULL};
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"<!(sh link.sh)\"]"), more);
	run(&b, 1);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_FAILED);
	CHECK_MSG(strstr(b.jobs[0].error, "plan.json is no regular file") != NULL, "%s",
		  b.jobs[0].error);
	tear_down(&b);
}

TEST(a_step_that_hangs_meets_the_limit_of_its_job)
{
	struct bench b;

	set_up(&b, GYP(ACTION("sleep 1000") "\"sources\":[\"addon.c\"]"), NULL);
	b.limits.build_ms = 1000;
	run(&b, 1);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_FAILED);
	CHECK_STR(b.jobs[0].code, "limit");
	CHECK_STR(b.jobs[0].error, "action act: time limit (1 s) exceeded");
	tear_down(&b);
}

/* ---- waiting ---- */

static void
give_back(uv_timer_t *timer)
{
	struct bench *b = timer->data;

	uv_close((uv_handle_t *)timer, NULL);
	share_give(&b->share);
	share_deal(&b->share);
}

static uv_timer_t timer;

static void
hold_up(struct bench *b)
{
	uv_timer_init(&b->loop, &timer);
	timer.data = b;
	uv_timer_start(&timer, give_back, 6000, 0);
}

TEST(waiting_for_a_place_does_not_count_as_time_of_the_job)
{
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\"]"), NULL);
	b.share = (struct share){.max = 1, .used = 1};
	b.limits.build_ms = 5000;
	b.stage = "build";
	b.on_stage = hold_up;
	run(&b, 1);
	CHECK_MSG(b.jobs[0].outcome == OUTCOME_SUCCEEDED, "%s", b.jobs[0].error);
	tear_down(&b);
}

static void
cancel_first(uv_timer_t *t)
{
	struct bench *b = t->data;

	uv_close((uv_handle_t *)t, NULL);
	engine_cancel(b->jobs[0].engine);
}

static void
cancel_soon(struct bench *b)
{
	uv_timer_init(&b->loop, &timer);
	timer.data = b;
	uv_timer_start(&timer, cancel_first, 0, 0);
}

TEST(a_job_is_cancelled_wherever_it_is)
{
	static const char *const stages[] = {"unpack", "configure", "plan", "build", "load test"};

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		struct bench b;

		set_up(&b, GYP("\"sources\":[\"addon.c\"]"), NULL);
		b.stage = stages[i];
		b.on_stage = cancel_soon;
		run(&b, 1);
		CHECK_INT(b.jobs[0].outcome, OUTCOME_CANCELLED);
		CHECK_STR(b.jobs[0].code, "cancelled");
		tear_down(&b);
		file_remove_tree(test_path("package"), NULL);
		file_remove_tree(test_path("scratch-0"), NULL);
		unlink(test_path("bundle.tar.gz"));
	}
}

TEST(a_job_that_waits_for_a_place_is_cancelled)
{
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\"]"), NULL);
	b.share = (struct share){.max = 1, .used = 1};
	b.stage = "build";
	b.on_stage = cancel_soon;
	if (test_toolchain(&b.toolchain)) {
		start(&b, 0);
		uv_run(&b.loop, UV_RUN_DEFAULT);
		CHECK_INT(b.jobs[0].outcome, OUTCOME_CANCELLED);
		CHECK(!says(&b.jobs[0], "compile"));
	}
	tear_down(&b);
}

/* Job 0 comes first, so that it makes the configuration; the other one waits for it. */
TEST(when_the_maker_of_a_configuration_is_cancelled_another_makes_it)
{
	struct bench b;

	set_up(&b, GYP("\"sources\":[\"addon.c\"]"), NULL);
	b.stage = "configure";
	b.on_stage = cancel_soon;
	run(&b, 3);
	CHECK_INT(b.jobs[0].outcome, OUTCOME_CANCELLED);
	for (int i = 1; i < 3; i++)
		CHECK_MSG(b.jobs[i].outcome == OUTCOME_SUCCEEDED, "%s", b.jobs[i].error);
	CHECK_INT(says(&b.jobs[1], SHARED) + says(&b.jobs[2], SHARED), 1);
	tear_down(&b);
}
