#include "builder/model/job_limits.h"

#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* The limits that these arguments give. */
static int
read_args(const char *const *args, int count, struct job_limits *l, struct err *e)
{
	struct opt table[] = {{.name = "verbose"}, JOB_LIMITS(JOB_LIMIT_FLAG)};
	struct opts o = {.usage = "test", .table = table, .table_size = ARRAY_SIZE(table)};

	*e = (struct err){0};
	if (opts_parse(&o, count, (char **)(uintptr_t)args, e) == 0)
		job_limits_read(&o, l, e);
	opts_fini(&o);
	return e->code;
}

TEST(the_defaults_are_those_of_the_table)
{
	struct job_limits l = job_limits_default();

	CHECK_INT((int64_t)l.build_ms, 40 * 60 * 1000);
	CHECK_INT((int64_t)l.step_ms, 20 * 60 * 1000);
	CHECK_INT((int64_t)l.memory, 4ll << 30);
	CHECK_INT((int64_t)l.processes, 200);
	CHECK_INT((int64_t)l.source_entries, 100000);
}

TEST(flags_set_them)
{
	static const char *const args[] = {"--max-build-seconds=7", "--max-build-memory", "64M",
					   "--max-build-processes=9", "--max-source=3K"};
	struct job_limits l, d = job_limits_default();
	struct err e;

	CHECK_MSG(read_args(args, 5, &l, &e) == 0, "%s", e.msg);
	CHECK_INT((int64_t)l.build_ms, 7000);
	CHECK_INT((int64_t)l.memory, 64 << 20);
	CHECK_INT((int64_t)l.processes, 9);
	CHECK_INT((int64_t)l.source_packed, 3072);
	CHECK_INT((int64_t)l.disk, (int64_t)d.disk);
}

TEST(what_is_no_limit_is_refused_by_name)
{
	static const char *const bad[] = {
		"--max-build-seconds=0",    "--max-build-seconds=-1", "--max-step-seconds=1e9",
		"--max-build-memory=0",     "--max-build-memory=4X",  "--max-build-disk=",
		"--max-build-processes=2K", "--max-source-files=0",   "--max-load-seconds=99999999",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char flag[40] = "";
		struct job_limits l;
		struct err e;

		memcpy(flag, bad[i], strcspn(bad[i], "="));
		CHECK_MSG(read_args(&bad[i], 1, &l, &e) == ERR_USAGE, "%s", bad[i]);
		CHECK_MSG(strstr(e.msg, flag) != NULL, "%s: \"%s\"", bad[i], e.msg);
	}
}
