#include "builder/source/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"
#include "tests/lib/unpack_box.h"

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
	struct unpack_limits l = box_usual;
	struct buf b = {0};
	char *name, *part = xmalloc(300);

	name = deep(10);
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	box_accepts(&b, &l);
	CHECK_STR(box_text(name + 8), "x");
	free(name);
	name = deep(11);
	raw_tar_file(&b, name, "x");
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "too many components");
	free(name);

	/* Nothing may come to be that cannot be removed again. */
	l.depth = 100000;
	name = deep(UNPACK_DEPTH_MAX);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	box_accepts(&b, &l);
	CHECK_STR(box_text(name + 8), "x");
	CHECK_INT(file_remove_tree(test_path("box"), NULL), 0);
	free(name);
	name = deep(UNPACK_DEPTH_MAX + 1);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "too many components");
	free(name);
	name = deep(600);
	raw_tar_pax(&b, "path", name, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "too long");
	free(name);

	memset(part, 'n', 264);
	memcpy(part, "package/", 8);
	part[263] = '\0';
	raw_tar_pax(&b, "path", part, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	box_accepts(&b, &l);
	CHECK_STR(box_text(part + 8), "x");
	part[263] = 'n';
	part[264] = '\0';
	raw_tar_pax(&b, "path", part, NULL);
	raw_tar_file(&b, "package/x", "x");
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "component that is too long");
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
	box_refuses(&b, &l, ERR_LIMIT, "too long");
}

TEST(bytes_limit)
{
	struct unpack_limits l = box_usual;
	struct buf b = {0};

	l.bytes = 10;
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_file(&b, "package/b", "67890");
	raw_tar_end(&b);
	box_accepts(&b, &l);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_file(&b, "package/b", "678901");
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "more than 10 bytes");
	/* A size that is only claimed, up to the largest that a header can say. */
	raw_tar_header(&b, "package/a", '0', NULL, 0644, 077777777777);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_LIMIT, "more than 1000000 bytes");
	raw_tar_pax(&b, "size", "9223372036854775807", NULL);
	raw_tar_header(&b, "package/a", '0', NULL, 0644, 5);
	raw_tar_content(&b, "12345", 5);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");
}

TEST(bombs)
{
	static const char *const filters[] = {"gzip", "xz", "zstd"};
	const size_t size = 2 * 1024 * 1024;
	struct unpack_limits l = box_usual;
	char *zeros = xcalloc(1, size);

	l.entries = 10; /* each may have a header: what an archive may unpack to */
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf b = {0};

		/* In a file. */
		raw_tar_header(&b, "package/a", '0', NULL, 0644, size);
		buf_add(&b, zeros, size);
		raw_tar_end(&b);
		raw_tar_squeeze(&b, filters[i]);
		CHECK(b.len < 200000);
		box_refuses(&b, &l, ERR_LIMIT, "more than 1000000 bytes");

		/* Behind the end mark, where libarchive does not look. */
		raw_tar_file(&b, "package/a", "x");
		raw_tar_end(&b);
		buf_add(&b, zeros, size);
		raw_tar_squeeze(&b, filters[i]);
		box_refuses(&b, &l, ERR_LIMIT, "unpacks to more than");

		/* No tar at all. */
		buf_add(&b, zeros, size);
		b.data[size - 1] = 1;
		raw_tar_squeeze(&b, filters[i]);
		box_refuses(&b, &l, ERR_LIMIT, "unpacks to more than");

		/* Compressed twice. */
		raw_tar_file(&b, "package/a", "x");
		raw_tar_end(&b);
		raw_tar_squeeze(&b, filters[i]);
		raw_tar_squeeze(&b, "gzip");
		box_refuses(&b, &l, ERR_MALFORMED, "more than once");
	}
	free(zeros);
}

TEST(many_entries)
{
	struct unpack_limits l = box_usual;
	struct buf b = {0};
	char name[64];

	for (int i = 0; i < 1001; i++) {
		snprintf(name, sizeof name, "package/%d", i);
		raw_tar_file(&b, name, "");
	}
	raw_tar_end(&b);
	raw_tar_squeeze(&b, "gzip");
	box_refuses(&b, &l, ERR_LIMIT, "more than 1000");
	CHECK_STR(box_mode("999"), "-644");
	CHECK_STR(box_mode("1000"), "");

	/* Folders that no entry names count too: 150 files, each seven folders deep. */
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof name, "package/%d/a/b/c/d/e/f/g", i);
		raw_tar_file(&b, name, "");
	}
	raw_tar_end(&b);
	box_refuses(&b, &l, ERR_LIMIT, "more than 1000");

	/* 262144 of them, cheaply compressed. */
	raw_tar_header(&b, "package/x", '0', NULL, 0644, 0);
	while (b.len < 128 * 1024 * 1024) {
		buf_reserve(&b, b.len);
		buf_add(&b, b.data, b.len);
	}
	raw_tar_end(&b);
	raw_tar_squeeze(&b, "zstd");
	box_refuses(&b, &l, ERR_LIMIT, "more than 1000");
}
