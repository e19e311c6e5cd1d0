#include "builder/source/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"

static const struct unpack_limits usual = {
	.bytes = 1000000, .entries = 1000, .depth = 10, .allow_links = true, .strip = 1};

static size_t
count_in(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	size_t n = 0;

	if (d == NULL)
		return 0;
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			n++;
	closedir(d);
	return n;
}

/* Unpacks bytes into box/into, which is made new each time, and checks that nothing came to be
 * next to it or above. */
static int
unpack(const struct buf *bytes, const struct unpack_limits *l, struct err *e)
{
	char archive[300], box[300], into[300];
	int r;

	snprintf(archive, sizeof archive, "%s/archive", test_dir());
	snprintf(box, sizeof box, "%s/box", test_dir());
	snprintf(into, sizeof into, "%s/box/into", test_dir());
	file_remove_tree(box, NULL);
	CHECK_INT(file_mkdirs(into, 0755, NULL), 0);
	CHECK_INT(file_write(archive, bytes->data, bytes->len, 0644, NULL), 0);
	*e = (struct err){0};
	r = unpack_file(archive, into, l, e);
	CHECK_INT(r, e->code);
	CHECK_INT((int64_t)count_in(box), 1);
	CHECK_INT((int64_t)count_in(test_dir()), 2);
	return r;
}

/* Expects a failure with this code and text. */
static void
refused(struct buf *bytes, const struct unpack_limits *l, int code, const char *text)
{
	struct err e;
	int r = unpack(bytes, l, &e);

	CHECK_MSG(r == code, "%s: %d, not %d (%s)", text, r, code, e.msg);
	CHECK_MSG(strstr(e.msg, text) != NULL, "\"%s\" does not say \"%s\"", e.msg, text);
	for (const char *p = e.msg; *p != '\0'; p++)
		CHECK_MSG((unsigned char)*p >= 0x20 && *p != 0x7f,
			  "control character in a message");
	buf_fini(bytes);
}

static void
accepted(struct buf *bytes, const struct unpack_limits *l)
{
	struct err e;
	int r = unpack(bytes, l, &e);

	CHECK_MSG(r == 0, "%s", e.msg);
	buf_fini(bytes);
}

/* "drwxr-xr-x"-like: type letter and octal mode of what was unpacked, "-644"; "" if not there. */
static const char *
mode_of(const char *name)
{
	static char text[16];
	char path[400];
	struct stat st;

	snprintf(path, sizeof path, "%s/box/into/%s", test_dir(), name);
	text[0] = '\0';
	if (lstat(path, &st) == 0)
		snprintf(text, sizeof text, "%c%o",
			 S_ISDIR(st.st_mode)   ? 'd'
			 : S_ISREG(st.st_mode) ? '-'
			 : S_ISLNK(st.st_mode) ? 'l'
					       : '?',
			 st.st_mode & 07777u);
	return text;
}

static const char *
text_of(const char *name)
{
	static char text[256];
	struct buf b = {0};
	char path[400];

	snprintf(path, sizeof path, "%s/box/into/%s", test_dir(), name);
	text[0] = '\0';
	if (file_read(path, sizeof text - 1, &b, NULL) == 0 && b.len > 0)
		memcpy(text, b.data, b.len + 1);
	buf_fini(&b);
	return text;
}

static const char *
target_of(const char *name)
{
	static char text[256];
	char path[400];
	ssize_t n;

	snprintf(path, sizeof path, "%s/box/into/%s", test_dir(), name);
	n = readlink(path, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static struct buf
small_tar(void)
{
	struct buf b = {0};

	raw_tar_header(&b, "package/", '5', NULL, 0700, 0);
	raw_tar_file(&b, "package/package.json", "{}");
	raw_tar_header(&b, "package/bin/run", '0', NULL, 0711, 3);
	raw_tar_content(&b, "run", 3);
	raw_tar_header(&b, "package/src/deep/", '5', NULL, 0500, 0);
	raw_tar_file(&b, "package/src/deep/a.c", "int a;");
	raw_tar_header(&b, "package/bin/a", '2', "../src/deep/a.c", 0777, 0);
	raw_tar_end(&b);
	return b;
}

static void
check_small_tree(void)
{
	CHECK_STR(text_of("package.json"), "{}");
	CHECK_STR(mode_of("package.json"), "-644");
	CHECK_STR(text_of("bin/run"), "run");
	CHECK_STR(mode_of("bin/run"), "-755");
	CHECK_STR(mode_of("bin"), "d755");
	CHECK_STR(mode_of("src/deep"), "d755");
	CHECK_STR(text_of("bin/a"), "int a;");
	CHECK_STR(target_of("bin/a"), "../src/deep/a.c");
}

TEST(every_compression)
{
	static const char *const filters[] = {"none", "gzip", "xz", "zstd"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf b = small_tar();

		if (i > 0)
			raw_tar_squeeze(&b, filters[i]);
		accepted(&b, &usual);
		check_small_tree();
	}
}

TEST(modes_do_not_depend_on_the_umask)
{
	static const mode_t masks[] = {0, 077, 0777};

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		mode_t before = umask(022);
		struct buf b = small_tar();
		char path[300];
		struct err e = {0};

		snprintf(path, sizeof path, "%s/into%zu", test_dir(), i);
		CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
		CHECK_INT(file_write(test_path("archive"), b.data, b.len, 0644, NULL), 0);
		umask(masks[i]);
		CHECK_INT(unpack_file(test_path("archive"), path, &usual, &e), 0);
		umask(before);
		CHECK_INT(file_mkdirs(test_path("box"), 0755, NULL), 0);
		CHECK_INT(rename(path, test_path("box/into")), 0);
		check_small_tree();
		file_remove_tree(test_path("box"), NULL);
		buf_fini(&b);
	}
}

TEST(strip_as_npm_does)
{
	struct unpack_limits l = usual;
	struct buf b = {0};

	raw_tar_file(&b, "a/b/c", "1");
	raw_tar_file(&b, "./a/d", "2");
	raw_tar_file(&b, "x//e", "3");
	raw_tar_end(&b);
	l.strip = 1;
	accepted(&(struct buf){.data = memcpy(xmalloc(b.len), b.data, b.len), .len = b.len}, &l);
	CHECK_STR(text_of("b/c"), "1");
	CHECK_STR(text_of("a/d"), "2");
	CHECK_STR(text_of("e"), "3");
	l.strip = 0;
	accepted(&b, &l);
	CHECK_STR(text_of("a/b/c"), "1");
	CHECK_STR(text_of("a/d"), "2");
	CHECK_STR(text_of("x/e"), "3");
	raw_tar_file(&b, "a", "1");
	raw_tar_end(&b);
	l.strip = 1;
	refused(&b, &l, ERR_MALFORMED, "no name left");
}

TEST(names_that_mean_more_than_a_name)
{
	static const struct {
		const char *name, *fault;
	} cases[] = {
		{"../evil", "\"..\""},
		{"package/../../evil", "\"..\""},
		{"package/..", "\"..\""},
		{"package/a/../b", "\"..\""},
		{"..", "\"..\""},
		{"/evil", "absolute"},
		{"//evil", "absolute"},
		{"package/..\\..\\evil", "backslash"},
		{"\\\\server\\share", "backslash"},
		{"C:/evil", "drive"},
		{"package/c:evil", "drive"},
		{"package/C:\\evil", "backslash"},
		{"package/a\nb", "control"},
		{"package/\x1b[31m", "control"},
		{"package/\x7f", "control"},
		{"package/\xc2\x85", "control"},
		{"package/\xff", "UTF-8"},
		{"package/\xc3", "UTF-8"},
		{"package/\xc0\xaf", "UTF-8"},
		{"package/\xe0\x80\xaf", "UTF-8"},
		{"package/\xed\xa0\x80", "UTF-8"},
		{"package/\xf4\x90\x80\x80", "UTF-8"},
		{"package/\xf8\x88\x80\x80\x80", "UTF-8"},
		{"package/a\x80", "UTF-8"},
		{"package/.", "no name left"},
		{"package", "no name left"},
	};
	static const char types[] = {'0', '2'};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
			struct buf b = {0};

			raw_tar_header(&b, cases[i].name, types[k], "target", 0644, 0);
			raw_tar_end(&b);
			refused(&b, &usual, ERR_MALFORMED, cases[i].fault);
			/* The same by the name in a pax header. */
			raw_tar_pax(&b, "path", cases[i].name, NULL);
			raw_tar_header(&b, "package/innocent", types[k], "target", 0644, 0);
			raw_tar_end(&b);
			refused(&b, &usual, ERR_MALFORMED, cases[i].fault);
		}
}

TEST(absolute_names_write_nothing)
{
	struct buf b = {0};
	char name[300];

	snprintf(name, sizeof name, "%s/box/evil", test_dir());
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "absolute");
	snprintf(name, sizeof name, "%s/box", test_dir());
	raw_tar_header(&b, "package/l", '2', name, 0777, 0);
	raw_tar_file(&b, "package/l/evil", "x");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "absolute");
}

TEST(types_that_are_not_extracted)
{
	static const struct {
		char type;
		const char *fault;
	} cases[] = {
		{'1', "hard link"},
		{'3', "device"},
		{'4', "device"},
		{'6', "FIFO"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = {0};

		raw_tar_file(&b, "package/a", "x");
		raw_tar_header(&b, "package/b", cases[i].type, "package/a", 0644, 0);
		raw_tar_end(&b);
		refused(&b, &usual, ERR_MALFORMED, cases[i].fault);
		CHECK_STR(mode_of("b"), "");
	}
	/* A socket and other types by their mode, as some writers have it. */
	for (unsigned mode = 0020000; mode <= 0160000; mode += 0020000) {
		struct buf b = {0};

		raw_tar_header(&b, "package/b", '0', NULL, mode | 0644, 0);
		raw_tar_end(&b);
		accepted(&b, &usual);
		CHECK_STR(mode_of("b"), "-644");
	}
}

TEST(links_only_where_allowed)
{
	struct unpack_limits none = usual;
	struct buf b = {0};

	none.allow_links = false;
	raw_tar_header(&b, "package/l", '2', "target", 0777, 0);
	raw_tar_end(&b);
	refused(&b, &none, ERR_MALFORMED, "symbolic link");
	CHECK_STR(mode_of("l"), "");
}

TEST(link_targets)
{
	static const struct {
		const char *name, *target, *fault; /* NULL: good */
	} cases[] = {
		{"package/l", "a", NULL},
		{"package/l", "./a/b", NULL},
		{"package/l", ".", NULL},
		{"package/x/l", "..", NULL},
		{"package/x/l", "../y", NULL},
		{"package/x/y/l", "../../z", NULL},
		{"package/x/y/l", "./.././../z", NULL},
		{"package/l", "..", "outside"},
		{"package/l", "../evil", "outside"},
		{"package/l", "./../evil", "outside"},
		{"package/x/l", "../../evil", "outside"},
		{"package/x/y/l", "../../../evil", "outside"},
		{"package/l", "x/../..", "after a name"},
		{"package/x/l", "y/../z", "after a name"},
		{"package/l", "/etc/passwd", "absolute"},
		{"package/l", "", "nothing"},
		{"package/l", "a\\b", "backslash"},
		{"package/l", "C:x", "drive"},
		{"package/l", "a\tb", "control"},
		{"package/l", "a\xff", "UTF-8"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = {0};

		raw_tar_header(&b, cases[i].name, '2', cases[i].target, 0777, 0);
		raw_tar_end(&b);
		if (cases[i].fault != NULL) {
			refused(&b, &usual, ERR_MALFORMED, cases[i].fault);
		} else {
			accepted(&b, &usual);
			CHECK_STR(target_of(strchr(cases[i].name, '/') + 1), cases[i].target);
		}
	}
}

TEST(nothing_goes_through_a_link)
{
	struct buf b = {0};

	/* The link itself is good, but a file through it is not. */
	raw_tar_header(&b, "package/real/", '5', NULL, 0755, 0);
	raw_tar_header(&b, "package/l", '2', "real", 0777, 0);
	raw_tar_file(&b, "package/l/evil", "x");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "file or link already is");
	CHECK_STR(mode_of("real/evil"), "");

	raw_tar_header(&b, "package/l", '2', "evil", 0777, 0);
	raw_tar_file(&b, "package/l", "x");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "different types");
	CHECK_STR(mode_of("evil"), "");

	raw_tar_header(&b, "package/l", '2', "real", 0777, 0);
	raw_tar_header(&b, "package/l/", '5', NULL, 0755, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "file or link already is");

	/* Two links that lead outside only together. */
	raw_tar_header(&b, "package/a/b/up", '2', "../..", 0777, 0);
	raw_tar_header(&b, "package/out", '2', "a/b/up/../evil", 0777, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "after a name");

	raw_tar_header(&b, "package/self", '2', "self", 0777, 0);
	raw_tar_file(&b, "package/self/x", "x");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "file or link already is");
}

TEST(links_that_were_there_before)
{
	struct buf b = {0};
	struct err e = {0};

	CHECK_INT(file_mkdirs(test_path("into"), 0755, NULL), 0);
	CHECK_INT(file_mkdirs(test_path("outside"), 0755, NULL), 0);
	CHECK_INT(symlink("../outside", test_path("into/l")), 0);
	raw_tar_file(&b, "package/l/evil", "x");
	raw_tar_end(&b);
	CHECK_INT(file_write(test_path("archive"), b.data, b.len, 0644, NULL), 0);
	CHECK_INT(unpack_file(test_path("archive"), test_path("into"), &usual, &e), ERR_MALFORMED);
	CHECK(!file_exists(test_path("outside/evil")));
	buf_fini(&b);
}

TEST(twice_the_same_name)
{
	struct buf b = {0};

	raw_tar_file(&b, "package/f", "first");
	raw_tar_file(&b, "package/./f", "2nd");
	raw_tar_header(&b, "package/d/", '5', NULL, 0755, 0);
	raw_tar_header(&b, "package/d", '5', NULL, 0755, 0);
	raw_tar_header(&b, "package/l", '2', "f", 0777, 0);
	raw_tar_header(&b, "package/l", '2', "d", 0777, 0);
	raw_tar_end(&b);
	accepted(&b, &usual);
	CHECK_STR(text_of("f"), "2nd");
	CHECK_STR(target_of("l"), "d");

	raw_tar_file(&b, "package/x/f", "a");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "different types");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_file(&b, "package/x/f", "a");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "file or link already is");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_header(&b, "package/x", '5', NULL, 0755, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "file or link already is");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_header(&b, "package/x", '2', "y", 0777, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "different types");
}

TEST(normal_forms_are_two_names)
{
	struct buf b = {0};

	raw_tar_pax(&b, "path", "package/\xc3\xa9", NULL);
	raw_tar_file(&b, "package/short", "one");
	raw_tar_pax(&b, "path", "package/e\xcc\x81", NULL);
	raw_tar_file(&b, "package/short", "two");
	raw_tar_file(&b, "package/\xe6\x97\xa5\xf0\x9f\x98\x80", "three");
	raw_tar_end(&b);
	accepted(&b, &usual);
	CHECK_STR(text_of("\xc3\xa9"), "one");
	CHECK_STR(text_of("e\xcc\x81"), "two");
	CHECK_STR(text_of("\xe6\x97\xa5\xf0\x9f\x98\x80"), "three");
}

/* n components "d/d/…" and a file. */
static char *
deep(size_t n)
{
	struct buf b = {0};

	buf_adds(&b, "package/");
	for (size_t i = 1; i < n; i++)
		buf_adds(&b, "d/");
	buf_adds(&b, "f");
	return buf_take(&b);
}

TEST(long_and_deep_names)
{
	struct unpack_limits l = usual;
	struct buf b = {0};
	char *name, *part = xmalloc(300);

	name = deep(10);
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	accepted(&b, &l);
	CHECK_STR(text_of(name + 8), "x");
	free(name);
	name = deep(11);
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "too many components");
	free(name);

	/* Nothing may come to be that cannot be removed again. */
	l.depth = 100000;
	name = deep(UNPACK_DEPTH_MAX);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	accepted(&b, &l);
	CHECK_STR(text_of(name + 8), "x");
	CHECK_INT(file_remove_tree(test_path("box"), NULL), 0);
	free(name);
	name = deep(UNPACK_DEPTH_MAX + 1);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "too many components");
	free(name);
	name = deep(600);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "too long");
	free(name);

	memset(part, 'n', 264);
	memcpy(part, "package/", 8);
	part[263] = '\0';
	raw_tar_pax(&b, "path", part, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	accepted(&b, &l);
	CHECK_STR(text_of(part + 8), "x");
	part[263] = 'n';
	part[264] = '\0';
	raw_tar_pax(&b, "path", part, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "component that is too long");
	free(part);

	/* GNU's long name, 1 MiB of it. */
	raw_tar_header(&b, "././@LongLink", 'L', NULL, 0644, 1048576);
	name = xmalloc(1048576);
	memset(name, 'a', 1048576);
	raw_tar_content(&b, name, 1048576);
	free(name);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	l.bytes = 10000000;
	refused(&b, &l, ERR_LIMIT, "too long");
}

TEST(bytes_limit)
{
	struct unpack_limits l = usual;
	struct buf b = {0};

	l.bytes = 10;
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_file(&b, "package/b", "67890");
	raw_tar_end(&b);
	accepted(&b, &l);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_file(&b, "package/b", "678901");
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "more than 10 bytes");
	/* A size that is only claimed, up to the largest that a header can say. */
	raw_tar_header(&b, "package/a", '0', NULL, 0644, 077777777777);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_LIMIT, "more than 1000000 bytes");
	raw_tar_pax(&b, "size", "9223372036854775807", NULL);
	raw_tar_header(&b, "package/a", '0', NULL, 0644, 5);
	raw_tar_content(&b, "12345", 5);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");
}

TEST(bombs)
{
	static const char *const filters[] = {"gzip", "xz", "zstd"};
	const size_t size = 16 * 1024 * 1024;
	struct unpack_limits l = usual;
	char *zeros = xcalloc(1, size);

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf b = {0};

		/* In a file. */
		raw_tar_header(&b, "package/a", '0', NULL, 0644, size);
		buf_add(&b, zeros, size);
		raw_tar_end(&b);
		raw_tar_squeeze(&b, filters[i]);
		CHECK(b.len < 200000);
		refused(&b, &l, ERR_LIMIT, "more than 1000000 bytes");

		/* Behind the end mark, where libarchive does not look. */
		raw_tar_file(&b, "package/a", "x");
		raw_tar_end(&b);
		buf_add(&b, zeros, size);
		raw_tar_squeeze(&b, filters[i]);
		refused(&b, &l, ERR_LIMIT, "unpacks to more than");

		/* No tar at all. */
		buf_add(&b, zeros, size);
		b.data[size - 1] = 1;
		raw_tar_squeeze(&b, filters[i]);
		refused(&b, &l, ERR_LIMIT, "unpacks to more than");

		/* Compressed twice. */
		raw_tar_file(&b, "package/a", "x");
		raw_tar_end(&b);
		raw_tar_squeeze(&b, filters[i]);
		raw_tar_squeeze(&b, "gzip");
		refused(&b, &l, ERR_MALFORMED, "more than once");
	}
	free(zeros);
}

TEST(many_entries)
{
	struct unpack_limits l = usual;
	struct buf b = {0};
	char name[64];

	for (int i = 0; i < 1001; i++) {
		snprintf(name, sizeof name, "package/%d", i);
		raw_tar_file(&b, name, "");
	}
	raw_tar_end(&b);
	raw_tar_squeeze(&b, "gzip");
	refused(&b, &l, ERR_LIMIT, "more than 1000");
	CHECK_STR(mode_of("999"), "-644");
	CHECK_STR(mode_of("1000"), "");

	/* Folders that no entry names count too: 150 files, each seven folders deep. */
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof name, "package/%d/a/b/c/d/e/f/g", i);
		raw_tar_file(&b, name, "");
	}
	raw_tar_end(&b);
	refused(&b, &l, ERR_LIMIT, "more than 1000");

	/* 262144 of them, cheaply compressed. */
	raw_tar_header(&b, "package/x", '0', NULL, 0644, 0);
	while (b.len < 128 * 1024 * 1024) {
		buf_reserve(&b, b.len);
		buf_add(&b, b.data, b.len);
	}
	raw_tar_end(&b);
	raw_tar_squeeze(&b, "zstd");
	refused(&b, &l, ERR_LIMIT, "more than 1000");
}

TEST(truncated_anywhere)
{
	static const char *const filters[] = {"none", "gzip", "xz", "zstd"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf whole = small_tar();
		size_t step, refusals = 0, tries = 0;

		if (i > 0)
			raw_tar_squeeze(&whole, filters[i]);
		/* Of the plain archive, up to the first block of the end mark. */
		step = i > 0 ? 1 : 128;
		for (size_t len = 0; len < whole.len - (i > 0 ? 0 : 512); len += step) {
			struct buf part = {0};
			struct err e;

			buf_add(&part, whole.data, len);
			tries++;
			if (unpack(&part, &usual, &e) == ERR_MALFORMED)
				refusals++;
			buf_fini(&part);
		}
		CHECK_MSG(refusals == tries && tries > 20, "%s: %zu of %zu refused", filters[i],
			  refusals, tries);
		buf_fini(&whole);
	}
}

TEST(damaged)
{
	struct buf b = small_tar();

	b.data[512] ^= 1;
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	b = small_tar();
	raw_tar_squeeze(&b, "gzip");
	b.data[b.len - 8] ^= 1;
	refused(&b, &usual, ERR_MALFORMED, "gzip checksum");
	b = small_tar();
	raw_tar_squeeze(&b, "gzip");
	b.data[b.len - 1] ^= 1;
	refused(&b, &usual, ERR_MALFORMED, "gzip checksum");
	b = small_tar();
	raw_tar_squeeze(&b, "xz");
	b.data[b.len / 2] ^= 1;
	refused(&b, &usual, ERR_MALFORMED, "cannot be decompressed");
	buf_adds(&b, "<!doctype html><title>502 Bad Gateway</title>");
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	buf_adds(&b, "");
	refused(&b, &usual, ERR_MALFORMED, "cannot be decompressed");
	raw_tar_squeeze(&b, "gzip");
	refused(&b, &usual, ERR_MALFORMED, "");
}

TEST(nothing_in_it)
{
	struct buf b = {0};

	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "empty");
	raw_tar_header(&b, "pax_global_header", 'g', NULL, 0644, 11);
	raw_tar_content(&b, "11 path=ab\n", 11);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");
}

TEST(something_behind_the_end)
{
	struct buf b = small_tar(), two = small_tar();

	buf_add(&b, two.data, two.len);
	refused(&b, &usual, ERR_MALFORMED, "after its end mark");
	b = small_tar();
	buf_adds(&b, "x");
	refused(&b, &usual, ERR_MALFORMED, "after its end mark");
	b = small_tar();
	for (int i = 0; i < 20; i++)
		raw_tar_end(&b);
	accepted(&b, &usual);
	check_small_tree();

	/* Two gzip members, each an archive; and one archive cut into two members. */
	b = small_tar();
	raw_tar_squeeze(&b, "gzip");
	raw_tar_squeeze(&two, "gzip");
	buf_add(&b, two.data, two.len);
	refused(&b, &usual, ERR_MALFORMED, "several members");
	buf_fini(&two);
	b = small_tar();
	buf_add(&two, b.data + 1024, b.len - 1024);
	b.len = 1024;
	raw_tar_squeeze(&b, "gzip");
	raw_tar_squeeze(&two, "gzip");
	buf_add(&b, two.data, two.len);
	refused(&b, &usual, ERR_MALFORMED, "several members");
	buf_fini(&two);
}

TEST(pax_and_gnu_oddities)
{
	struct buf b = {0};
	char *big = xmalloc(1200000);

	/* Good: attributes that we have no use for. */
	raw_tar_pax(&b, "comment", "hello", "mtime", "1.5", "SCHILY.xattr.user.x", "y", "uname",
		    "J\xc3\xb6rg", NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	accepted(&b, &usual);
	CHECK_STR(text_of("a"), "a");

	memset(big, 'v', 1200000);
	big[900000] = '\0';
	raw_tar_pax(&b, "comment", big, NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	accepted(&b, &usual);
	big[900000] = 'v';
	big[1100000] = '\0';
	raw_tar_pax(&b, "comment", big, NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	free(big);

	/* Lengths that are not those of the record. */
	raw_tar_header(&b, "PaxHeader", 'x', NULL, 0644, 17);
	raw_tar_content(&b, "99 path=package/b\n", 17);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");

	/* More special headers in a row than anyone needs. */
	for (int i = 0; i < 40; i++)
		raw_tar_pax(&b, "comment", "x", NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");

	/* A pax header for nothing. */
	raw_tar_file(&b, "package/a", "a");
	raw_tar_pax(&b, "path", "package/b", NULL);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");

	/* A pax header's size is the one that counts (POSIX), for better or worse. */
	raw_tar_pax(&b, "size", "3", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	accepted(&b, &usual);
	CHECK_STR(text_of("a"), "123");
	raw_tar_pax(&b, "size", "1600", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");
	raw_tar_pax(&b, "size", "-1", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");

	/* A hard link by way of a pax header. */
	raw_tar_pax(&b, "linkpath", "/etc/passwd", NULL);
	raw_tar_header(&b, "package/a", '1', "x", 0644, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "hard link");
	raw_tar_pax(&b, "linkpath", "../../etc/passwd", NULL);
	raw_tar_header(&b, "package/a", '2', "x", 0777, 0);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "outside");
}

TEST(sparse_files)
{
	char block[RAW_TAR_BLOCK] = {0};
	struct buf b = {0};

	/* pax 0.1: two pieces of a file that claims to be huge. */
	raw_tar_pax(&b, "GNU.sparse.size", "999999", "GNU.sparse.numblocks", "2", "GNU.sparse.map",
		    "0,1,999998,1", NULL);
	raw_tar_file(&b, "package/a", "12");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "sparse");
	/* pax 1.0: the map is in the content, the name in an attribute. */
	raw_tar_pax(&b, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name",
		    "../evil", "GNU.sparse.realsize", "5000", NULL);
	raw_tar_header(&b, "package/GNUSparseFile/a", '0', NULL, 0644, 513);
	memcpy(block, "1\n4999\n1\n", 9);
	buf_add(&b, block, sizeof block);
	raw_tar_content(&b, "x", 1);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "");
	/* Old GNU: type 'S', the map in the header; content in other order than the offsets. */
	raw_tar_header(&b, "package/a", 'S', NULL, 0644, 2);
	memcpy(b.data + 257, "ustar  ", 8);
	memset(b.data + 345, 0, 167);
	memcpy(b.data + 386, "00000000700\00000000000001", 23);
	memcpy(b.data + 410, "00000000000\00000000000001", 23);
	memcpy(b.data + 483, "00000001000", 11);
	raw_tar_checksum(b.data);
	raw_tar_content(&b, "12", 2);
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "sparse");
	/* Larger on disk than in the archive, without a map. */
	raw_tar_pax(&b, "SCHILY.realsize", "5000", NULL);
	raw_tar_file(&b, "package/a", "12");
	raw_tar_end(&b);
	refused(&b, &usual, ERR_MALFORMED, "size");
}

TEST(other_formats_are_not_read)
{
	/* A zip and a cpio archive, each with one file "a" that holds "x". */
	static const char zip[] =
		"PK\003\004\012\0\0\0\0\0\0\0!\0\x83\x16\xdc\x8c\1\0\0\0\1\0\0\0\1\0\0"
		"\0axPK\001\002\036\003\012\0\0\0\0\0\0\0!\0\x83\x16\xdc\x8c\1\0\0\0"
		"\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\xa4\x81\0\0\0\0aPK\005\006\0\0\0\0"
		"\1\0\1\0/\0\0\0 \0\0\0\0\0";
	static const char cpio[] =
		"0707010000000100008180000000000000000000000001000000000000000100000000000000000000"
		"0000000000000000000200000000a\0x\0\0\0";
	struct buf b = {0};

	buf_add(&b, zip, sizeof zip - 1);
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	buf_add(&b, cpio, sizeof cpio - 1);
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	b = small_tar();
	raw_tar_squeeze(&b, "bzip2");
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	b = small_tar();
	raw_tar_squeeze(&b, "lzip");
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
	b = small_tar();
	raw_tar_squeeze(&b, "compress");
	refused(&b, &usual, ERR_MALFORMED, "not a sound tar archive");
}

TEST(archives_that_tar_makes)
{
	static const char *const options[] = {
		"--format=gnu -z",
		"--format=pax -J",
		"--format=ustar --zstd",
		"--format=v7 -z",
		"--format=pax -z --xattrs --acls",
		"--format=oldgnu",
	};
	struct unpack_limits l = usual;

	l.strip = 1;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char command[1000];
		struct buf b = {0};

		file_remove_tree(test_path("box"), NULL);
		snprintf(command, sizeof command,
			 "cd '%s' && mkdir -p box/p/lib/sub && printf one >box/p/lib/sub/1 && "
			 "printf two >box/p/2 && chmod 755 box/p/2 && ln -sf lib/sub/1 box/p/l && "
			 "tar -C box %s -cf archive p",
			 test_dir(), options[i]);
		CHECK_INT(system(command), 0);
		CHECK_INT(file_read(test_path("archive"), 100000, &b, NULL), 0);
		accepted(&b, &l);
		CHECK_STR(text_of("lib/sub/1"), "one");
		CHECK_STR(text_of("l"), "one");
		CHECK_STR(mode_of("2"), "-755");
	}
}

TEST(files_and_folders_that_are_missing)
{
	struct buf b = small_tar();
	struct err e = {0};

	CHECK_INT(unpack_file(test_path("none"), test_dir(), &usual, &e), -ENOENT);
	CHECK_INT(file_write(test_path("archive"), b.data, b.len, 0644, NULL), 0);
	CHECK_INT(unpack_file(test_path("archive"), test_path("nowhere"), &usual, NULL), -ENOENT);
	CHECK_INT(unpack_file(test_path("archive"), test_path("archive"), &usual, NULL), -ENOTDIR);
	CHECK_INT(unpack_file(test_dir(), test_dir(), &usual, NULL), -EISDIR);
	buf_fini(&b);
}
