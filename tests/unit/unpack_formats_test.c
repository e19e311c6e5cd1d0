#include "builder/source/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/raw_tar.h"
#include "tests/lib/test.h"
#include "tests/lib/unpack_box.h"

TEST(truncated_anywhere)
{
	static const char *const filters[] = {"none", "gzip", "xz", "zstd"};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf whole = box_small_tar();
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
			if (box_unpack(&part, &box_usual, &e) == ERR_MALFORMED)
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
	struct buf b = box_small_tar();

	b.data[512] ^= 1;
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	b = box_small_tar();
	raw_tar_squeeze(&b, "gzip");
	b.data[b.len - 8] ^= 1;
	box_refuses(&b, &box_usual, ERR_MALFORMED, "gzip checksum");
	b = box_small_tar();
	raw_tar_squeeze(&b, "gzip");
	b.data[b.len - 1] ^= 1;
	box_refuses(&b, &box_usual, ERR_MALFORMED, "gzip checksum");
	b = box_small_tar();
	raw_tar_squeeze(&b, "xz");
	b.data[b.len / 2] ^= 1;
	box_refuses(&b, &box_usual, ERR_MALFORMED, "cannot be decompressed");
	buf_adds(&b, "<!doctype html><title>502 Bad Gateway</title>");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	buf_adds(&b, "");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "cannot be decompressed");
	raw_tar_squeeze(&b, "gzip");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");
}

TEST(nothing_in_it)
{
	struct buf b = {0};

	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "empty");
	raw_tar_header(&b, "pax_global_header", 'g', NULL, 0644, 11);
	raw_tar_content(&b, "11 path=ab\n", 11);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");
}

TEST(something_behind_the_end)
{
	struct buf b = box_small_tar(), two = box_small_tar();

	buf_add(&b, two.data, two.len);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "after its end mark");
	b = box_small_tar();
	buf_adds(&b, "x");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "after its end mark");
	b = box_small_tar();
	for (int i = 0; i < 20; i++)
		raw_tar_end(&b);
	box_accepts(&b, &box_usual);
	box_check_small_tree();

	/* Two gzip members, each an archive; and one archive cut into two members. */
	b = box_small_tar();
	raw_tar_squeeze(&b, "gzip");
	raw_tar_squeeze(&two, "gzip");
	buf_add(&b, two.data, two.len);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "several members");
	buf_fini(&two);
	b = box_small_tar();
	buf_add(&two, b.data + 1024, b.len - 1024);
	b.len = 1024;
	raw_tar_squeeze(&b, "gzip");
	raw_tar_squeeze(&two, "gzip");
	buf_add(&b, two.data, two.len);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "several members");
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
	box_accepts(&b, &box_usual);
	CHECK_STR(box_text("a"), "a");

	memset(big, 'v', 1200000);
	big[900000] = '\0';
	raw_tar_pax(&b, "comment", big, NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	box_accepts(&b, &box_usual);
	big[900000] = 'v';
	big[1100000] = '\0';
	raw_tar_pax(&b, "comment", big, NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	free(big);

	/* Lengths that are not those of the record. */
	raw_tar_header(&b, "PaxHeader", 'x', NULL, 0644, 17);
	raw_tar_content(&b, "99 path=package/b\n", 17);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");

	/* More special headers in a row than anyone needs. */
	for (int i = 0; i < 40; i++)
		raw_tar_pax(&b, "comment", "x", NULL);
	raw_tar_file(&b, "package/a", "a");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");

	/* A pax header for nothing. */
	raw_tar_file(&b, "package/a", "a");
	raw_tar_pax(&b, "path", "package/b", NULL);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");

	/* A pax header's size is the one that counts (POSIX), for better or worse. */
	raw_tar_pax(&b, "size", "3", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	box_accepts(&b, &box_usual);
	CHECK_STR(box_text("a"), "123");
	raw_tar_pax(&b, "size", "1600", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");
	raw_tar_pax(&b, "size", "-1", NULL);
	raw_tar_file(&b, "package/a", "12345");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");

	/* A hard link by way of a pax header. */
	raw_tar_pax(&b, "linkpath", "/etc/passwd", NULL);
	raw_tar_header(&b, "package/a", '1', "x", 0644, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "hard link");
	raw_tar_pax(&b, "linkpath", "../../etc/passwd", NULL);
	raw_tar_header(&b, "package/a", '2', "x", 0777, 0);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "outside");
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
	box_refuses(&b, &box_usual, ERR_MALFORMED, "sparse");
	/* pax 1.0: the map is in the content, the name in an attribute. */
	raw_tar_pax(&b, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name",
		    "../evil", "GNU.sparse.realsize", "5000", NULL);
	raw_tar_header(&b, "package/GNUSparseFile/a", '0', NULL, 0644, 513);
	memcpy(block, "1\n4999\n1\n", 9);
	buf_add(&b, block, sizeof block);
	raw_tar_content(&b, "x", 1);
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "");
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
	box_refuses(&b, &box_usual, ERR_MALFORMED, "sparse");
	/* Larger on disk than in the archive, without a map. */
	raw_tar_pax(&b, "SCHILY.realsize", "5000", NULL);
	raw_tar_file(&b, "package/a", "12");
	raw_tar_end(&b);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "size");
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
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	buf_add(&b, cpio, sizeof cpio - 1);
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	b = box_small_tar();
	raw_tar_squeeze(&b, "bzip2");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	b = box_small_tar();
	raw_tar_squeeze(&b, "lzip");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
	b = box_small_tar();
	raw_tar_squeeze(&b, "compress");
	box_refuses(&b, &box_usual, ERR_MALFORMED, "not a sound tar archive");
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
	struct unpack_limits l = box_usual;

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
		box_accepts(&b, &l);
		CHECK_STR(box_text("lib/sub/1"), "one");
		CHECK_STR(box_text("l"), "one");
		CHECK_STR(box_mode("2"), "-755");
	}
}

TEST(files_and_folders_that_are_missing)
{
	struct buf b = box_small_tar();
	struct err e = {0};

	CHECK_INT(unpack_file(test_path("none"), test_dir(), &box_usual, &e), -ENOENT);
	CHECK_INT(file_write(test_path("archive"), b.data, b.len, 0644, NULL), 0);
	CHECK_INT(unpack_file(test_path("archive"), test_path("nowhere"), &box_usual, NULL),
		  -ENOENT);
	CHECK_INT(unpack_file(test_path("archive"), test_path("archive"), &box_usual, NULL),
		  -ENOTDIR);
	CHECK_INT(unpack_file(test_dir(), test_dir(), &box_usual, NULL), -EISDIR);
	buf_fini(&b);
}
