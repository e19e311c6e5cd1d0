#include "builder/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

static size_t
entries_of(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n - 2;
}

TEST(a_read_has_a_limit)
{
	const char *path = test_path("f");
	static const struct {
		size_t size, limit;
		int want;
	} cases[] = {{0, 0, 0},           {1, 0, ERR_TOO_LARGE},
		     {1000, 1000, 0},     {1001, 1000, ERR_TOO_LARGE},
		     {200000, 200000, 0}, {200000, 199999, ERR_TOO_LARGE}};
	char *data = xcalloc(1, 200000);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = {0};
		struct err e = {0};

		buf_adds(&out, "before");
		CHECK_INT(file_write(path, data, cases[i].size, 0600, NULL), 0);
		CHECK_INT(file_read(path, cases[i].limit, &out, &e), cases[i].want);
		if (cases[i].want == 0)
			CHECK_INT((int64_t)out.len, (int64_t)cases[i].size + 6);
		CHECK(memcmp(out.data, "before", 6) == 0 && out.data[out.len] == '\0');
		buf_fini(&out);
	}
	free(data);
	{
		struct buf out = {0};
		struct err e = {0};

		CHECK_INT(file_read(test_path("none"), 10, &out, &e), -ENOENT);
		CHECK(strstr(e.msg, "none") != NULL);
		CHECK_INT(file_read(test_dir(), 10, &out, NULL), -EISDIR);
		buf_fini(&out);
	}
}

TEST(an_atomic_write_replaces_all_or_nothing)
{
	const char *dir = test_path("d"), *path = test_path("d/f");
	struct rlimit old, small = {4, 4};
	struct stat st;
	struct buf text = {0};
	struct err e = {0};

	CHECK_INT(file_mkdirs(dir, 0755, NULL), 0);
	CHECK_INT(file_write_atomic(path, "first", 5, 0640, &e), 0);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	CHECK_INT(file_write_atomic(path, "second", 6, 0640, &e), 0);
	/* A disk that is full: the limit on file size stands for it. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_INT(file_write_atomic(path, "third!", 6, 0640, &e), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK_INT(file_read(path, 100, &text, NULL), 0);
	CHECK_STR(text.data, "second");
	CHECK_INT((int64_t)entries_of(dir), 1);
	buf_fini(&text);
	CHECK_INT(file_write_atomic(test_path("none/f"), "x", 1, 0600, NULL), -ENOENT);
	/* A folder in the way: the temporary file does not stay. */
	CHECK_INT(file_mkdirs(test_path("d/sub/x"), 0755, NULL), 0);
	CHECK(file_write_atomic(test_path("d/sub"), "x", 1, 0600, NULL) != 0);
	CHECK_INT((int64_t)entries_of(dir), 2);
}

TEST(a_copy_never_overwrites)
{
	const char *from = test_path("from"), *to = test_path("to");
	struct buf text = {0};

	file_write(from, "new", 3, 0600, NULL);
	CHECK_INT(file_copy(from, to, 0600, NULL), 0);
	file_write(from, "other", 5, 0600, NULL);
	CHECK_INT(file_copy(from, to, 0600, NULL), -EEXIST);
	CHECK_INT(file_read(to, 10, &text, NULL), 0);
	CHECK_STR(text.data, "new");
	CHECK_INT(file_copy(test_path("none"), test_path("x"), 0600, NULL), -ENOENT);
	CHECK(!file_exists(test_path("x")));
	buf_fini(&text);
}

TEST(removing_a_tree_does_not_follow_links)
{
	const char *outside = test_path("outside/keep"), *tree = test_path("tree");

	file_mkdirs(test_path("outside"), 0755, NULL);
	file_write(outside, "x", 1, 0600, NULL);
	file_mkdirs(test_path("tree/a/b/c"), 0755, NULL);
	file_write(test_path("tree/a/b/c/f"), "x", 1, 0400, NULL);
	CHECK_INT(symlink("../outside", test_path("tree/link")), 0);
	CHECK_INT(symlink("../../outside/keep", test_path("tree/a/file-link")), 0);
	CHECK_INT(symlink("nowhere", test_path("tree/dangling")), 0);
	CHECK_INT(mkfifo(test_path("tree/fifo"), 0600), 0);
	CHECK_INT(file_remove_tree(tree, NULL), 0);
	CHECK(!file_exists(tree));
	CHECK(file_exists(outside));
	CHECK_INT(file_remove_tree(tree, NULL), 0);
	/* The path itself is a link. */
	CHECK_INT(symlink("outside", tree), 0);
	CHECK_INT(file_remove_tree(tree, NULL), 0);
	CHECK(file_exists(outside) && !file_exists(tree));
	/* Nothing is below a file. */
	CHECK_INT(file_remove_tree(test_path("outside/keep/below"), NULL), 0);
	CHECK(file_exists(outside));
}

/* As an ordinary user where possible: to root, permissions mean nothing. */
TEST(folders_without_permissions_are_removed)
{
	const char *dir = test_dir(), *tree = test_path("tree");
	int status = -1;
	pid_t pid;

	chmod(dir, 0777);
	pid = fork();
	if (pid == 0) {
		int bad = geteuid() == 0 && setuid(65534) != 0;

		bad |= file_mkdirs(test_path("tree/a/b"), 0755, NULL);
		bad |= file_write(test_path("tree/a/b/f"), "x", 1, 0000, NULL);
		bad |= chmod(test_path("tree/a/b"), 0000);
		bad |= chmod(test_path("tree/a"), 0000);
		bad |= file_remove_tree(tree, NULL);
		_exit(bad != 0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	CHECK(!file_exists(tree));
}

TEST(what_a_tree_occupies)
{
	const char *tree = test_path("tree");
	char *data = xcalloc(1, 1 << 20);
	uint64_t bytes = 7, entries = 7, stopped;

	file_tree_usage(tree, UINT64_MAX, &bytes, &entries);
	CHECK(bytes == 0 && entries == 0);
	memset(data, 'x', 1 << 20);
	file_mkdirs(test_path("tree/a"), 0755, NULL);
	file_write(test_path("big"), data, 1 << 20, 0600, NULL);
	file_write(test_path("tree/a/f"), data, 1 << 20, 0600, NULL);
	file_write(test_path("tree/g"), data, 1 << 20, 0600, NULL);
	CHECK_INT(symlink("../big", test_path("tree/link")), 0);
	CHECK_INT(symlink("..", test_path("tree/loop")), 0);
	/* A sparse file counts as what it occupies. */
	file_write(test_path("tree/sparse"), "x", 1, 0600, NULL);
	CHECK_INT(truncate(test_path("tree/sparse"), 1 << 30), 0);
	file_tree_usage(tree, UINT64_MAX, &bytes, &entries);
	CHECK_INT((int64_t)entries, 7);
	CHECK_MSG(bytes >= 2u << 20 && bytes < 3u << 20, "%llu bytes", (unsigned long long)bytes);
	file_tree_usage(tree, 100, &stopped, &entries);
	CHECK(stopped > 100 && entries < 7);
	free(data);
}

/* A build must not be able to hide what it writes by nesting it deeply. */
TEST(a_tree_that_is_too_deep_counts_as_over_every_limit)
{
	char *path = xstrdup(test_path("deep"));
	uint64_t bytes, entries;
	int r = 0;

	for (int i = 0; i < 210 && r == 0; i++) {
		char *next = xasprintf("%s/d", path);

		r = mkdir(path, 0755);
		free(path);
		path = next;
	}
	CHECK_INT(r, 0);
	file_tree_usage(test_path("deep"), 1 << 30, &bytes, &entries);
	CHECK(bytes > 1 << 30);
	free(path);
	/* It goes away all the same, and a deeper one than that in several rounds. */
	CHECK_INT(file_remove_tree(test_path("deep"), NULL), 0);
	CHECK(!file_exists(test_path("deep")));
}

TEST(folders_are_made_with_their_parents)
{
	CHECK_INT(file_mkdirs(test_path("a/b/c"), 0700, NULL), 0);
	CHECK_INT(file_mkdirs(test_path("a/b/c"), 0700, NULL), 0);
	CHECK(file_exists(test_path("a/b/c")));
	file_write(test_path("f"), "", 0, 0600, NULL);
	CHECK_INT(file_mkdirs(test_path("f/x"), 0700, NULL), -ENOTDIR);
	CHECK_INT(file_sync_dir(test_path("a"), NULL), 0);
	CHECK(file_sync_dir(test_path("f"), NULL) != 0);
}

TEST(what_a_hostile_program_wrote_is_read_if_it_is_a_regular_file)
{
	const char *file = test_path("file"), *link = test_path("link"), *fifo = test_path("fifo");
	struct buf b = {0};
	struct err e = {0};

	CHECK_INT(file_write(file, "abc", 3, 0600, NULL), 0);
	CHECK_INT(file_read_regular(file, 3, &b, &e), 0);
	CHECK_STR(b.data, "abc");
	CHECK_INT(file_read_regular(file, 2, &b, &e), ERR_TOO_LARGE);
	CHECK_INT(symlink(file, link), 0);
	e = (struct err){0};
	CHECK_INT(file_read_regular(link, 100, &b, &e), ERR_MALFORMED);
	/* Nobody writes to it: opening it for reading must not wait. */
	CHECK_INT(mkfifo(fifo, 0600), 0);
	e = (struct err){0};
	CHECK_INT(file_read_regular(fifo, 100, &b, &e), ERR_MALFORMED);
	e = (struct err){0};
	CHECK_INT(file_read_regular(test_dir(), 100, &b, &e), ERR_MALFORMED);
	CHECK_INT(file_read_regular(test_path("absent"), 100, &b, NULL), -ENOENT);
	buf_fini(&b);
}
