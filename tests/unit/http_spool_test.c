#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http/spool.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

TEST(spool_keeps_bytes_and_digest)
{
	struct spool s = {0};
	struct digest want;
	struct buf have = {0};
	char *path;

	CHECK_INT(spool_open(&s, test_dir()), 0);
	path = xstrdup(s.path);
	for (int i = 0; i < 3; i++) {
		buf_adds(&s.piece, "hello ");
		spool_write(&s);
		CHECK_INT((int64_t)s.piece.len, 0);
	}
	spool_close(&s);
	CHECK_INT(s.error, 0);
	CHECK_INT((int64_t)s.size, 18);
	digest_bytes("hello hello hello ", 18, &want);
	CHECK(digest_equal(&s.digest, &want));
	CHECK_INT(file_read(path, 100, &have, NULL), 0);
	CHECK_STR(have.data, "hello hello hello ");
	spool_remove(&s);
	CHECK(!file_exists(path));
	CHECK(s.path == NULL);
	spool_remove(&s);
	buf_fini(&have);
	free(path);
}

TEST(spool_leaves_a_renamed_file_alone)
{
	struct spool s = {0};
	const char *to = test_path("kept");

	CHECK_INT(spool_open(&s, test_dir()), 0);
	buf_adds(&s.piece, "x");
	spool_write(&s);
	spool_close(&s);
	CHECK_INT(rename(s.path, to), 0);
	spool_remove(&s);
	CHECK(file_exists(to));
}

TEST(spool_reports_a_full_disk)
{
	struct spool s = {0};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK_INT(spool_open(&s, test_dir()), 0);
	CHECK(dup2(full, s.fd) >= 0);
	close(full);
	buf_adds(&s.piece, "x");
	spool_write(&s);
	CHECK_INT(s.error, -ENOSPC);
	buf_adds(&s.piece, "y");
	spool_write(&s);
	spool_close(&s);
	CHECK_INT(s.error, -ENOSPC);
	CHECK_INT((int64_t)s.size, 0);
	spool_remove(&s);
}

TEST(spool_needs_its_folder)
{
	struct spool s = {0};

	CHECK_INT(spool_open(&s, test_path("nosuch")), -ENOENT);
	CHECK(s.path == NULL);
}
