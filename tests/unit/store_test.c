#include "api/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* printf hello | sha256sum */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define NONE  "0000000000000000000000000000000000000000000000000000000000000000"

static struct store *
open_store(const char *dir)
{
	char *url = xasprintf("file:%s", dir);
	struct store *s = NULL;
	struct err e = {0};

	CHECK_MSG(store_open(&(struct store_config){.url = url}, &s, &e) == 0, "%s", e.msg);
	free(url);
	return s;
}

/* What a name stands for, open. */
static int
open_name(struct store *s, const char *name, struct store_file *out, struct err *e)
{
	char hex[DIGEST_HEX_SIZE];
	int r = store_resolve(s, name, hex, e);

	*out = (struct store_file){.fd = -1};
	return r != 0 ? r : store_open_blob(s, hex, out, e);
}

/* Writes a temporary file and puts it; the digest's hex. */
static int
put(struct store *s, const char *text, char hex[DIGEST_HEX_SIZE], struct err *e)
{
	char *path = xasprintf("%s/upload", store_temp_dir(s));
	struct digest d = {0};
	int r = file_write(path, text, strlen(text), 0600, e);

	if (r == 0)
		r = store_put(s, path, &d, e);
	if (r == 0)
		CHECK(!file_exists(path));
	digest_hex(&d, hex);
	free(path);
	return r;
}

static void
check_file(struct store_file *f, const char *text)
{
	char have[64] = {0};
	struct stat st;

	CHECK_INT((int64_t)f->size, (int64_t)strlen(text));
	CHECK_INT(read(f->fd, have, sizeof have - 1), (int64_t)strlen(text));
	CHECK_STR(have, text);
	CHECK_INT(fstat(f->fd, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0444);
	close(f->fd);
}

TEST(content_is_named_by_its_bytes_and_stored_once)
{
	struct store *s = open_store(test_path("store"));
	struct store_file f;
	char hex[DIGEST_HEX_SIZE];
	struct stat before, after;
	struct err e = {0};

	CHECK_INT(put(s, "hello", hex, &e), 0);
	CHECK_STR(hex, HELLO);
	CHECK_INT(stat(test_path("store/sha256/2c/" HELLO), &before), 0);
	CHECK_INT(put(s, "hello", hex, &e), 0);
	CHECK_INT(stat(test_path("store/sha256/2c/" HELLO), &after), 0);
	CHECK(before.st_ino == after.st_ino);
	CHECK_INT(store_open_blob(s, HELLO, &f, &e), 0);
	CHECK_STR(f.hex, HELLO);
	check_file(&f, "hello");
	CHECK_INT(store_open_blob(s, NONE, &f, &e), ERR_NOT_FOUND);
	e = (struct err){0};
	CHECK(store_put(s, test_path("store/tmp/none"), &(struct digest){0}, &e) != 0);
	store_close(s);
}

TEST(a_name_stands_for_the_same_bytes_for_ever)
{
	struct store *s = open_store(test_path("store"));
	static const char name[] = "/prebuilds/@s/p/v1.0.0/p-v1.0.0-napi-v6-linux-x64.tar.gz";
	char hex[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
	struct store_file f;
	struct err e = {0};

	put(s, "hello", hex, &e);
	put(s, "other", other, &e);
	CHECK_INT(open_name(s, name, &f, &e), ERR_NOT_FOUND);
	e = (struct err){0};
	CHECK_INT(store_link(s, name, hex, &e), 0);
	CHECK_INT(store_link(s, name, hex, &e), 0);
	CHECK_INT(store_link(s, name, other, &e), ERR_CONFLICT);
	e = (struct err){0};
	CHECK_INT(open_name(s, name, &f, &e), 0);
	CHECK_STR(f.hex, HELLO);
	check_file(&f, "hello");
	/* Names of folders and of content that is gone are not there. */
	CHECK_INT(open_name(s, "/prebuilds/@s", &f, &e), ERR_NOT_FOUND);
	e = (struct err){0};
	CHECK_INT(store_link(s, "/prebuilds/dangling", NONE, &e), 0);
	CHECK_INT(open_name(s, "/prebuilds/dangling", &f, &e), ERR_NOT_FOUND);
	store_close(s);
	/* All of it survives another start, and a move of the folder. */
	CHECK_INT(rename(test_path("store"), test_path("moved")), 0);
	s = open_store(test_path("moved"));
	e = (struct err){0};
	CHECK_INT(open_name(s, name, &f, &e), 0);
	check_file(&f, "hello");
	store_close(s);
}

TEST(a_name_that_is_too_long_is_not_there)
{
	struct store *s = open_store(test_path("store"));
	char *name = xcalloc(1, 20000);
	struct store_file f;
	static const size_t lengths[] = {300, 5000, 19999};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct err e = {0};

		memset(name, 'x', lengths[i]);
		name[0] = '/';
		CHECK_INT(open_name(s, name, &f, &e), ERR_NOT_FOUND);
	}
	free(name);
	store_close(s);
}

TEST(unfinished_writes_are_swept_at_start)
{
	struct store *s = open_store(test_path("store"));

	file_mkdirs(test_path("store/tmp/a/b"), 0755, NULL);
	file_write(test_path("store/tmp/half"), "x", 1, 0600, NULL);
	store_close(s);
	s = open_store(test_path("store"));
	CHECK(file_exists(store_temp_dir(s)));
	CHECK(!file_exists(test_path("store/tmp/half")) && !file_exists(test_path("store/tmp/a")));
	store_close(s);
}

TEST(what_is_no_store)
{
	struct store *s = NULL;
	struct err e = {0};

	CHECK_INT(store_open(&(struct store_config){.url = "ftp:bucket"}, &s, &e), ERR_USAGE);
	e = (struct err){0};
	CHECK_INT(store_open(&(struct store_config){.url = "/just/a/path"}, &s, &e), ERR_USAGE);
	e = (struct err){0};
	CHECK(store_open(&(struct store_config){.url = "file:/dev/null/store"}, &s, &e) != 0);
	CHECK(strstr(e.msg, "/dev/null/store") != NULL);
}

/* A disk with room for the content but not for the folder around it: as a small file system where
 * we may mount one, else by a limit on the size of files. */
TEST(a_full_disk_is_an_error_and_leaves_nothing_visible)
{
	const char *dir = test_path("small");
	struct rlimit old, limit;
	char hex[DIGEST_HEX_SIZE];
	struct store_file f;
	struct err e = {0};
	struct store *s;
	bool mounted;
	int r;

	file_mkdirs(dir, 0755, NULL);
	/* Inodes: the mount itself, tmp, sha256, names, and one more. */
	mounted = mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=5") == 0;
	s = open_store(dir);
	if (mounted) {
		r = put(s, "hello", hex, &e);
		CHECK_INT(r, -ENOSPC);
	} else {
		signal(SIGXFSZ, SIG_IGN);
		getrlimit(RLIMIT_FSIZE, &old);
		limit = (struct rlimit){3, old.rlim_max};
		setrlimit(RLIMIT_FSIZE, &limit);
		r = put(s, "hello", hex, &e);
		setrlimit(RLIMIT_FSIZE, &old);
		CHECK_INT(r, -EFBIG);
	}
	e = (struct err){0};
	CHECK_INT(store_open_blob(s, HELLO, &f, &e), ERR_NOT_FOUND);
	store_close(s);
	if (mounted)
		CHECK_INT(umount(dir), 0);
}

static void
count_content(const char *hex, uint64_t size, int64_t put_at, void *arg)
{
	int64_t *sum = arg;

	CHECK_STR(hex, HELLO);
	CHECK(put_at > 0);
	*sum += (int64_t)size;
}

TEST(content_is_removed_if_nobody_has_just_put_it)
{
	struct store *s = open_store(test_path("store"));
	char hex[DIGEST_HEX_SIZE];
	struct store_file f;
	struct stat st;
	struct err e = {0};
	int64_t sum = 0, first;
	bool removed;

	put(s, "hello", hex, &e);
	CHECK_INT(stat(test_path("store/sha256/2c/" HELLO), &st), 0);
	first = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	CHECK_INT(store_each(s, "2c", count_content, &sum, &e), 0);
	CHECK_INT(store_each(s, "00", count_content, &sum, &e), 0);
	CHECK_INT(sum, 5);
	CHECK_INT(store_remove(s, HELLO, first, &removed, &e), 0);
	CHECK(!removed);
	CHECK_INT(store_remove(s, NONE, first + 60000, &removed, &e), 0);
	CHECK(!removed);
	/* Put again, it is as new. */
	CHECK_INT(utimensat(AT_FDCWD, test_path("store/sha256/2c/" HELLO),
			    (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0),
		  0);
	put(s, "hello", hex, &e);
	CHECK_INT(store_remove(s, HELLO, first, &removed, &e), 0);
	CHECK(!removed);
	/* Who reads it goes on. */
	CHECK_INT(store_open_blob(s, HELLO, &f, &e), 0);
	CHECK_INT(store_remove(s, HELLO, first + 60000, &removed, &e), 0);
	CHECK(removed);
	check_file(&f, "hello");
	CHECK_INT(store_open_blob(s, HELLO, &f, &e), ERR_NOT_FOUND);
	store_close(s);
}

TEST(names_are_taken_back)
{
	struct store *s = open_store(test_path("store"));
	static const char *const names[] = {"/p/a/1", "/p/a/2", "/p/b/1", "/p/none/1"};
	char hex[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];
	struct store_file f;
	struct err e = {0};

	put(s, "hello", hex, &e);
	put(s, "other", other, &e);
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(store_link(s, names[i], hex, &e), 0);
	CHECK_INT(store_link(s, "/p/a/3", hex, &e), 0);
	CHECK_INT(store_unlink(s, names, ARRAY_SIZE(names), &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(open_name(s, names[i], &f, NULL), ERR_NOT_FOUND);
	CHECK_INT(open_name(s, "/p/a/3", &f, &e), 0);
	close(f.fd);
	CHECK_INT(store_link(s, names[0], other, &e), 0);
	store_close(s);
}
