#include "tests/lib/unpack_box.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"

const struct unpack_limits box_usual = {
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

int
box_unpack(const struct buf *bytes, const struct unpack_limits *l, struct err *e)
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

void
box_refuses(struct buf *bytes, const struct unpack_limits *l, int code, const char *text)
{
	struct err e;
	int r = box_unpack(bytes, l, &e);

	CHECK_MSG(r == code, "%s: %d, not %d (%s)", text, r, code, e.msg);
	CHECK_MSG(strstr(e.msg, text) != NULL, "\"%s\" does not say \"%s\"", e.msg, text);
	for (const char *p = e.msg; *p != '\0'; p++)
		CHECK_MSG((unsigned char)*p >= 0x20 && *p != 0x7f,
			  "control character in a message");
	buf_fini(bytes);
}

void
box_accepts(struct buf *bytes, const struct unpack_limits *l)
{
	struct err e;
	int r = box_unpack(bytes, l, &e);

	CHECK_MSG(r == 0, "%s", e.msg);
	buf_fini(bytes);
}

const char *
box_mode(const char *name)
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

const char *
box_text(const char *name)
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

const char *
box_target(const char *name)
{
	static char text[256];
	char path[400];
	ssize_t n;

	snprintf(path, sizeof path, "%s/box/into/%s", test_dir(), name);
	n = readlink(path, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

struct buf
box_small_tar(void)
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

void
box_check_small_tree(void)
{
	CHECK_STR(box_text("package.json"), "{}");
	CHECK_STR(box_mode("package.json"), "-644");
	CHECK_STR(box_text("bin/run"), "run");
	CHECK_STR(box_mode("bin/run"), "-755");
	CHECK_STR(box_mode("bin"), "d755");
	CHECK_STR(box_mode("src/deep"), "d755");
	CHECK_STR(box_text("bin/a"), "int a;");
	CHECK_STR(box_target("bin/a"), "../src/deep/a.c");
}
