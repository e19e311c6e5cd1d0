#include "builder/source/unpack.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"
#include "tests/lib/unpack_box.h"

TEST(every_compression)
{
	static const char *const filters[] = {"none", "gzip", "xz", "zstd"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf b = box_small_tar();

		if (i > 0)
			raw_tar_squeeze(&b, filters[i]);
		box_accepts(&b, &box_usual);
		box_check_small_tree();
	}
}

TEST(modes_do_not_depend_on_the_umask)
{
	static const mode_t masks[] = {0, 077, 0777};

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		mode_t before = umask(022);
		struct buf b = box_small_tar();
		char path[300];
		struct err e = {0};

		snprintf(path, sizeof path, "%s/into%zu", test_dir(), i);
		CHECK_INT(file_mkdirs(path, 0755, NULL), 0);
		CHECK_INT(file_write(test_path("archive"), b.data, b.len, 0644, NULL), 0);
		umask(masks[i]);
		CHECK_INT(unpack_file(test_path("archive"), path, &box_usual, &e), 0);
		umask(before);
		CHECK_INT(file_mkdirs(test_path("box"), 0755, NULL), 0);
		CHECK_INT(rename(path, test_path("box/into")), 0);
		box_check_small_tree();
		file_remove_tree(test_path("box"), NULL);
		buf_fini(&b);
	}
}

TEST(strip_as_npm_does)
{
	struct unpack_limits l = box_usual;
	struct buf b = {0};

	raw_tar_file(&b, "a/b/c", "1");
	raw_tar_file(&b, "./a/d", "2");
	raw_tar_file(&b, "x//e", "3");
	raw_tar_end(&b);
	l.strip = 1;
	box_accepts(&(struct buf){.data = memcpy(xmalloc(b.len), b.data, b.len), .len = b.len}, &l);
	CHECK_STR(box_text("b/c"), "1");
	CHECK_STR(box_text("a/d"), "2");
	CHECK_STR(box_text("e"), "3");
	l.strip = 0;
	box_accepts(&b, &l);
	CHECK_STR(box_text("a/b/c"), "1");
	CHECK_STR(box_text("a/d"), "2");
	CHECK_STR(box_text("x/e"), "3");
	raw_tar_file(&b, "a", "1");
	raw_tar_end(&b);
	l.strip = 1;
	box_refuses(&b, &l, ERR_MALFORMED, "no name left");
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
			box_refuses(&b, &box_usual, ERR_MALFORMED, cases[i].fault);
			/* The same by the name in a pax header. */
			raw_tar_pax(&b, "path", cases[i].name, NULL);
			raw_tar_header(&b, "package/innocent", types[k], "target", 0644, 0);
			raw_tar_end(&b);
			box_refuses(&b, &box_usual, ERR_MALFORMED, cases[i].fault);
		}
}

TEST(absolute_names_write_nothing)
{
	struct buf b = {0};
	char name[300];

	snprintf(name, sizeof name, "%s/box/evil", test_dir());
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "absolute");
	snprintf(name, sizeof name, "%s/box", test_dir());
	raw_tar_header(&b, "package/l", '2', name, 0777, 0);
	raw_tar_file(&b, "package/l/evil", "x");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "absolute");
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
		box_refuses(&b, &box_usual, ERR_MALFORMED, cases[i].fault);
		CHECK_STR(box_mode("b"), "");
	}
	/* A socket and other types by their mode, as some writers have it. */
	for (unsigned mode = 0020000; mode <= 0160000; mode += 0020000) {
		struct buf b = {0};

		raw_tar_header(&b, "package/b", '0', NULL, mode | 0644, 0);
		raw_tar_end(&b);
		box_accepts(&b, &box_usual);
		CHECK_STR(box_mode("b"), "-644");
	}
}

TEST(links_only_where_allowed)
{
	struct unpack_limits none = box_usual;
	struct buf b = {0};

	none.allow_links = false;
	raw_tar_header(&b, "package/l", '2', "target", 0777, 0);
	raw_tar_end(&b);
	box_refuses(&b, &none, ERR_MALFORMED, "symbolic link");
	CHECK_STR(box_mode("l"), "");
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
			box_refuses(&b, &box_usual, ERR_MALFORMED, cases[i].fault);
		} else {
			box_accepts(&b, &box_usual);
			CHECK_STR(box_target(strchr(cases[i].name, '/') + 1), cases[i].target);
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
	box_refuses(&b, &box_usual, ERR_MALFORMED, "file or link already is");
	CHECK_STR(box_mode("real/evil"), "");

	raw_tar_header(&b, "package/l", '2', "evil", 0777, 0);
	raw_tar_file(&b, "package/l", "x");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "different types");
	CHECK_STR(box_mode("evil"), "");

	raw_tar_header(&b, "package/l", '2', "real", 0777, 0);
	raw_tar_header(&b, "package/l/", '5', NULL, 0755, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "file or link already is");

	/* Two links that lead outside only together. */
	raw_tar_header(&b, "package/a/b/up", '2', "../..", 0777, 0);
	raw_tar_header(&b, "package/out", '2', "a/b/up/../evil", 0777, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "after a name");

	raw_tar_header(&b, "package/self", '2', "self", 0777, 0);
	raw_tar_file(&b, "package/self/x", "x");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "file or link already is");
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
	CHECK_INT(unpack_file(test_path("archive"), test_path("into"), &box_usual, &e),
		  ERR_MALFORMED);
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
	box_accepts(&b, &box_usual);
	CHECK_STR(box_text("f"), "2nd");
	CHECK_STR(box_target("l"), "d");

	raw_tar_file(&b, "package/x/f", "a");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "different types");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_file(&b, "package/x/f", "a");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "file or link already is");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_header(&b, "package/x", '5', NULL, 0755, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "file or link already is");
	raw_tar_file(&b, "package/x", "b");
	raw_tar_header(&b, "package/x", '2', "y", 0777, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "different types");
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
	box_accepts(&b, &box_usual);
	CHECK_STR(box_text("\xc3\xa9"), "one");
	CHECK_STR(box_text("e\xcc\x81"), "two");
	CHECK_STR(box_text("\xe6\x97\xa5\xf0\x9f\x98\x80"), "three");
}
