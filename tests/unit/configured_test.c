#include "builder/engine/configured.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/engine/footprint.h"
#include "tests/lib/test.h"

struct asker {
	struct configured *c;
	struct digest key;
	struct configured_waiter waiter;
	enum configured_answer answer;
	char plan[32];
	int told;
};

static void
ask(void *arg)
{
	struct asker *a = arg;
	const struct buf *plan = NULL, *config = NULL;

	a->told++;
	a->answer = configured_ask(a->c, &a->key, &a->waiter, &plan, &config);
	a->plan[0] = '\0';
	if (a->answer == CONFIGURED_KNOWN)
		snprintf(a->plan, sizeof a->plan, "%.*s%.*s", (int)plan->len, plan->data,
			 (int)config->len, config->data);
}

static void
start(struct asker *a, struct configured *c, const char *key)
{
	*a = (struct asker){.c = c, .waiter = {.on_ready = ask, .arg = a}};
	digest_bytes(key, strlen(key), &a->key);
	ask(a);
}

static void
keep(struct asker *a, const char *plan)
{
	struct buf p = {0}, config = {0};

	buf_adds(&p, plan);
	buf_adds(&config, "+");
	configured_keep(a->c, &a->key, &p, &config);
	CHECK(p.data == NULL && config.data == NULL);
}

TEST(the_first_makes_it_and_the_others_wait)
{
	struct configured *c = configured_new();
	struct asker a, b, d, other;

	start(&a, c, "k");
	start(&b, c, "k");
	start(&d, c, "k");
	start(&other, c, "l");
	CHECK_INT(a.answer, CONFIGURED_MAKE);
	CHECK_INT(b.answer, CONFIGURED_WAIT);
	CHECK_INT(other.answer, CONFIGURED_MAKE);
	configured_forget(c, &d.key, &d.waiter);
	keep(&a, "plan");
	CHECK_INT(b.answer, CONFIGURED_KNOWN);
	CHECK_STR(b.plan, "plan+");
	CHECK_INT(d.told, 1);
	ask(&d);
	CHECK_STR(d.plan, "plan+");
	configured_free(c);
}

TEST(what_cannot_be_shared_is_made_by_everyone)
{
	struct configured *c = configured_new();
	struct asker a, b, d;

	start(&a, c, "k");
	start(&b, c, "k");
	configured_alone(c, &a.key);
	CHECK_INT(b.answer, CONFIGURED_ALONE);
	start(&d, c, "k");
	CHECK_INT(d.answer, CONFIGURED_ALONE);
	configured_free(c);
}

TEST(when_the_maker_gives_up_one_of_the_others_makes_it)
{
	struct configured *c = configured_new();
	struct asker a, b, d;

	start(&a, c, "k");
	start(&b, c, "k");
	start(&d, c, "k");
	configured_drop(c, &a.key);
	CHECK_INT((b.answer == CONFIGURED_MAKE) + (d.answer == CONFIGURED_MAKE), 1);
	CHECK_INT((b.answer == CONFIGURED_WAIT) + (d.answer == CONFIGURED_WAIT), 1);
	keep(&b, "plan");
	CHECK_STR(b.answer == CONFIGURED_KNOWN ? b.plan : d.plan, "plan+");
	configured_free(c);
}

TEST(the_oldest_goes_and_never_one_that_is_being_made)
{
	struct configured *c = configured_new();
	struct asker open, a;
	char key[16];

	start(&open, c, "open");
	for (int i = 0; i < CONFIGURED_MAX; i++) {
		snprintf(key, sizeof key, "k%d", i);
		start(&a, c, key);
		CHECK_INT(a.answer, CONFIGURED_MAKE);
		keep(&a, key);
	}
	/* One more than fits was put in: the oldest that is finished has gone. */
	start(&a, c, "k1");
	CHECK_STR(a.plan, "k1+");
	start(&a, c, "k0");
	CHECK_INT(a.answer, CONFIGURED_MAKE);
	start(&a, c, "open");
	CHECK_INT(a.answer, CONFIGURED_WAIT);
	keep(&open, "late");
	CHECK_STR(a.plan, "late+");
	configured_free(c);
}

/* ---- footprint ---- */

static const char *const except[] = {"plan.json", "src/build", "src/build/config.gypi"};

static bool
same(struct digest *before, const char *dir)
{
	struct digest after;
	struct err e = {0};
	bool equal;

	CHECK_MSG(footprint(dir, except, 3, 1000, &after, &e) == 0, "%s", e.msg);
	equal = digest_equal(before, &after);
	*before = after;
	return equal;
}

static void
put(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct err e = {0};

	CHECK_MSG(file_write(path, text, strlen(text), 0644, &e) == 0, "%s", e.msg);
	free(path);
}

static void
make_folder(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);

	CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
	free(path);
}

/* The clock of a file system may stand still between two writes. */
static void
wait_for_clock(void)
{
	usleep(20000);
}

TEST(a_footprint_tells_every_change_but_the_known_ones)
{
	const char *dir = test_dir();
	char *a = xasprintf("%s/src/a.c", dir), *b = xasprintf("%s/src/b.c", dir);
	char *build = xasprintf("%s/src/build", dir);
	struct digest before;
	struct err e = {0};
	struct stat st;

	make_folder(dir, "src");
	put(dir, "src/a.c", "one");
	CHECK_INT(footprint(dir, except, 3, 1000, &before, &e), 0);
	CHECK(same(&before, dir));
	make_folder(dir, "src/build");
	put(dir, "src/build/config.gypi", "{}");
	put(dir, "plan.json", "{}");
	CHECK_MSG(same(&before, dir), "what is excepted may change");
	wait_for_clock();
	CHECK_INT(stat(a, &st), 0);
	put(dir, "src/a.c", "two");
	CHECK_INT(utimensat(AT_FDCWD, a, (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
	CHECK_MSG(!same(&before, dir), "the same size and time, other bytes");
	CHECK_INT(rename(a, b), 0);
	CHECK_MSG(!same(&before, dir), "another name");
	wait_for_clock();
	CHECK_INT(chmod(b, 0755), 0);
	CHECK_MSG(!same(&before, dir), "another mode");
	put(dir, "src/build/generated.h", "");
	CHECK_MSG(!same(&before, dir), "a new file beside a known one");
	make_folder(dir, "gen/empty");
	CHECK_MSG(!same(&before, dir), "a new folder");
	file_remove_tree(build, &e);
	CHECK(!same(&before, dir));
	CHECK_INT(symlink("../obj", build), 0);
	CHECK_MSG(!same(&before, dir), "a link in the place of a known folder");
	CHECK_INT(footprint(dir, except, 3, 3, &before, &e), ERR_LIMIT);
	free(a);
	free(b);
	free(build);
}
