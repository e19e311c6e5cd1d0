#include "builder/engine/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"
#include "tests/lib/toolchains.h"

/* Longer than any of these tests: what runs into it has not been ended. */
#define PATIENCE_MS 120000

struct outcome {
	struct run *run;
	struct outcome *other; /* cancelled when this one ends */
	struct buf output;
	struct run_end end;
	int ends;
};

static void
on_output(const char *data, size_t len, void *arg)
{
	struct outcome *o = arg;

	buf_add(&o->output, data, len);
}

static void
on_end(const struct run_end *end, void *arg)
{
	struct outcome *o = arg;

	o->end = *end;
	o->ends++;
	o->run = NULL;
	if (o->other != NULL && o->other->run != NULL)
		run_cancel(o->other->run);
}

/* Starts a shell line in the sandbox, with the test's folder as /work. */
static void
start(uv_loop_t *loop, const struct toolchain *t, const char *line, const struct job_limits *l,
      uint64_t timeout_ms, uint64_t *memory, struct outcome *o)
{
	struct run_spec spec = {.scratch = test_dir(),
				.limits = l,
				.job_memory = memory,
				.timeout_ms = timeout_ms,
				.on_output = on_output,
				.on_end = on_end,
				.arg = o};
	struct err e = {0};

	*o = (struct outcome){0};
	spec.sandbox = (struct sandbox){
		.root = t->root,
		.cwd = "/work",
		.limits = {.cpu_seconds = 100,
			   .address_space = 64ull << 30,
			   .file_size = l->file_size,
			   .processes = (unsigned)l->processes,
			   .open_files = 64,
			   .tmp_size = 1 << 20},
	};
	sandbox_mount(&spec.sandbox, test_dir(), "/work", true);
	strv_add(&spec.env, "PATH=/usr/bin");
	strv_add(&spec.argv, "/bin/sh");
	strv_add(&spec.argv, "-c");
	strv_add(&spec.argv, line);
	CHECK_MSG(run_start(loop, &spec, &o->run, &e) == 0, "%s", e.msg);
	strv_fini(&spec.env);
	strv_fini(&spec.argv);
}

static struct outcome
run(const char *line, const struct job_limits *l, uint64_t timeout_ms)
{
	struct outcome o = {0};
	uint64_t memory = 0;
	struct toolchain t;
	uv_loop_t loop;

	if (!test_toolchain(&t))
		return o;
	uv_loop_init(&loop);
	start(&loop, &t, line, l, timeout_ms, &memory, &o);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(o.ends, 1);
	CHECK_INT((int64_t)memory, 0);
	toolchain_fini(&t);
	return o;
}

TEST(what_ends_by_itself)
{
	struct job_limits l = job_limits_default();
	struct outcome o = run("echo out; echo err >&2", &l, PATIENCE_MS);

	CHECK(o.end.ok && !o.end.limited);
	CHECK_STR(o.output.data, "out\nerr\n");
	buf_fini(&o.output);
	o = run("exit 7", &l, PATIENCE_MS);
	CHECK(!o.end.ok && !o.end.limited);
	CHECK_STR(o.end.what, "exit status 7");
	buf_fini(&o.output);
}

TEST(each_limit_ends_it_and_says_which)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"sleep 1000", "time limit (1 s)"},
		{"sleep 1000 & wait", "time limit (1 s)"},
		{"python3 -c 'import time; x = bytearray(200 << 20); time.sleep(1000)'",
		 "memory limit (100 MiB)"},
		{"python3 -c 'import os; os.posix_fallocate(os.open(\"f\", 65), 0, 30 << 20)'; sleep 1000",
		 "disk limit (20 MiB)"},
		{"for i in 1 2 3 4; do head -c 7M /dev/zero >d$i; done; sleep 1000",
		 "disk limit (20 MiB)"},
		{"yes", "output limit"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job_limits l = job_limits_default();
		bool time = strstr(cases[i].says, "time") != NULL;
		struct outcome o;

		l.memory = 100u << 20;
		l.disk = 20u << 20;
		l.output = 100000;
		o = run(cases[i].line, &l, time ? 1000 : PATIENCE_MS);
		CHECK_MSG(!o.end.ok && o.end.limited, "%s", cases[i].line);
		CHECK_STR(o.end.what, cases[i].says);
		CHECK(o.output.len <= 100000);
		buf_fini(&o.output);
	}
}

TEST(limits_of_one_process_are_its_own_error)
{
	struct job_limits l = job_limits_default();
	struct outcome o;

	l.file_size = 1u << 20;
	o = run("head -c 2M /dev/zero >big 2>/dev/null; echo $? | cat", &l, PATIENCE_MS);
	CHECK(o.end.ok);
	CHECK_MSG(strstr(o.output.data, "153\n") != NULL, "%s", o.output.data);
	buf_fini(&o.output);
	/* Root is exempt from the limit on processes; a worker never is root, and neither is what
	 * tests/sandbox builds. */
	if (geteuid() == 0)
		return;
	l.processes = 20;
	o = run("python3 -c 'import os, time\n"
		"try:\n"
		" while True:\n"
		"  if os.fork() == 0: time.sleep(100); os._exit(0)\n"
		"except OSError as e: print(e)'",
		&l, PATIENCE_MS);
	CHECK(strstr(o.output.data, "temporarily unavailable") != NULL);
	buf_fini(&o.output);
}

TEST(memory_is_that_of_all_commands_of_a_job)
{
	static const char line[] =
		"python3 -c 'import time; x = bytearray(80 << 20); time.sleep(1000)'";
	struct job_limits l = job_limits_default();
	struct outcome a, b;
	uint64_t memory = 0;
	struct toolchain t;
	uv_loop_t loop;

	if (!test_toolchain(&t))
		return;
	l.memory = 150u << 20;
	uv_loop_init(&loop);
	start(&loop, &t, line, &l, PATIENCE_MS, &memory, &a);
	start(&loop, &t, line, &l, PATIENCE_MS, &memory, &b);
	a.other = &b;
	b.other = &a;
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(a.ends + b.ends, 2);
	CHECK_MSG(strcmp(a.end.what, "memory limit (150 MiB)") == 0 ||
			  strcmp(b.end.what, "memory limit (150 MiB)") == 0,
		  "%s, %s", a.end.what, b.end.what);
	CHECK_INT((int64_t)memory, 0);
	buf_fini(&a.output);
	buf_fini(&b.output);
	toolchain_fini(&t);
}
