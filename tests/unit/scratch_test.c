#include "workers/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "tests/lib/test.h"

static void
make(const char *cache, const char *worker, unsigned slot)
{
	char *path = scratch_path(cache, worker, slot), *below;
	struct err e = {0};

	CHECK_MSG(file_mkdirs(path, 0755, &e) == 0, "%s", e.msg);
	below = realpath(path, NULL);
	CHECK(below != NULL);
	free(below);
	free(path);
}

static bool
is_there(const char *cache, const char *worker, unsigned slot)
{
	char *path = scratch_path(cache, worker, slot);
	bool there = file_exists(path);

	free(path);
	return there;
}

TEST(what_workers_left_behind_goes)
{
	const char *cache = test_path("cache");
	struct err e = {0};
	int living = scratch_claim(cache, "host-1", &e), gone = scratch_claim(cache, "host-22", &e);

	CHECK_MSG(living >= 0 && gone >= 0, "%s", e.msg);
	make(cache, "host-1", 0);
	make(cache, "host-1", 11);
	make(cache, "host-22", 0);
	make(cache, "host-22", 3);
	make(cache, "before-locks-7", 0);
	close(gone); /* as the kernel does when a process ends */
	scratch_sweep(cache);
	CHECK(is_there(cache, "host-1", 0) && is_there(cache, "host-1", 11));
	CHECK(!is_there(cache, "host-22", 0) && !is_there(cache, "host-22", 3));
	CHECK(!is_there(cache, "before-locks-7", 0));
	CHECK(file_exists(test_path("cache/slots/.host-1.lock")));
	CHECK(!file_exists(test_path("cache/slots/.host-22.lock")));
	close(living);
	scratch_sweep(cache);
	CHECK(!is_there(cache, "host-1", 0) && !file_exists(test_path("cache/slots/.host-1.lock")));
	scratch_sweep(test_path("none"));
}

TEST(two_of_one_name_are_one_too_many)
{
	const char *cache = test_path("cache");
	struct err e = {0};
	int first = scratch_claim(cache, "host-1", &e);

	CHECK(first >= 0);
	CHECK_INT(scratch_claim(cache, "host-1", &e), ERR_CONFLICT);
	CHECK_MSG(strstr(e.msg, "host-1") != NULL && strstr(e.msg, "--cache") != NULL, "%s", e.msg);
	close(first);
	e = (struct err){0};
	first = scratch_claim(cache, "host-1", &e);
	CHECK(first >= 0);
	close(first);
}
