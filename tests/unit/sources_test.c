#include "workers/sources.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/base/buf.h"
#include "builder/base/digest.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/remote/remote.h"
#include "tests/lib/canned_http.h"
#include "tests/lib/test.h"

#define THREADS 8

struct bench {
	struct canned *server;
	struct remote remote;
	struct sources *sources;
	char hex[DIGEST_HEX_SIZE], *route;
};

/* A server that has this bundle; what it sends may be another one. */
static void
set_up(struct bench *b, const char *bundle, const char *sent)
{
	struct digest d;
	struct err e = {0};

	digest_bytes(bundle, strlen(bundle), &d);
	digest_hex(&d, b->hex);
	b->route = xasprintf("/v1/worker/sources/%s", b->hex);
	b->server = canned_start();
	canned_reply(b->server, b->route, 200, "", sent, strlen(sent));
	CHECK_MSG(remote_init(&b->remote, canned_base(b->server), NULL, &e) == 0, "%s", e.msg);
	b->sources = sources_new(test_path("sources"));
}

static void
tear_down(struct bench *b)
{
	canned_stop(b->server);
	remote_fini(&b->remote);
	sources_free(b->sources);
	free(b->route);
}

static void *
get(void *arg)
{
	struct bench *b = arg;
	struct err e = {0};
	struct buf text = {0};
	char *path = NULL;

	if (sources_get(b->sources, &b->remote, b->hex, &path, &e) == 0)
		file_read(path, 1000, &text, &e);
	free(path);
	/* Not CHECK, which is for one thread. */
	if (e.code != 0 || text.len != 6) {
		buf_fini(&text);
		return arg;
	}
	buf_fini(&text);
	return NULL;
}

TEST(threads_that_need_the_same_download_it_once)
{
	pthread_t threads[THREADS];
	struct bench b;

	set_up(&b, "bundle", "bundle");
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, get, &b), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed = &b;

		pthread_join(threads[i], &failed);
		CHECK(failed == NULL);
	}
	CHECK_INT(canned_hits(b.server, b.route), 1);
	CHECK(get(&b) == NULL);
	CHECK_INT(canned_hits(b.server, b.route), 1);
	tear_down(&b);
}

TEST(what_does_not_have_its_digest_is_not_kept)
{
	struct err e = {0};
	struct bench b;
	char *path = NULL, *kept;

	set_up(&b, "bundle", "bungle");
	CHECK_INT(sources_get(b.sources, &b.remote, b.hex, &path, &e), ERR_DIGEST);
	CHECK(path == NULL);
	kept = xasprintf("%s/%s.tar.gz", test_path("sources"), b.hex);
	CHECK(!file_exists(kept));
	/* The server has the right one now; later the file is spoilt on the disk. */
	canned_reply(b.server, b.route, 200, "", "bundle", 6);
	CHECK(get(&b) == NULL);
	CHECK_INT(file_write(kept, "bundl", 5, 0644, NULL), 0);
	e = (struct err){0};
	CHECK_INT(sources_get(b.sources, &b.remote, b.hex, &path, &e), ERR_DIGEST);
	CHECK(get(&b) == NULL);
	CHECK_INT(canned_hits(b.server, b.route), 3);
	free(kept);
	tear_down(&b);
}

TEST(what_is_not_there_is_an_error)
{
	struct err e = {0};
	struct bench b;
	char *path = NULL;

	set_up(&b, "bundle", "bundle");
	CHECK_INT(sources_get(b.sources, &b.remote, "../../etc/passwd", &path, &e), ERR_INVALID);
	CHECK(path == NULL);
	e = (struct err){0};
	b.hex[0] = b.hex[0] == '0' ? '1' : '0';
	CHECK_INT(sources_get(b.sources, &b.remote, b.hex, &path, &e), ERR_NOT_FOUND);
	CHECK(path == NULL);
	tear_down(&b);
}

TEST(the_cache_has_a_limit)
{
	static const char *const names[] = {"a.tar.gz", "b.tar.gz", "c.tar.gz.part-1-2"};
	struct bench b;
	char *kept;

	set_up(&b, "bundle", "bundle");
	CHECK(get(&b) == NULL);
	kept = xasprintf("%s/%s.tar.gz", test_path("sources"), b.hex);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct timespec old[2] = {{.tv_sec = 1000 + (time_t)i},
					  {.tv_sec = 1000 + (time_t)i}};
		char *path = xasprintf("%s/%s", test_path("sources"), names[i]);

		CHECK_INT(file_write(path, "0123456789", 10, 0644, NULL), 0);
		CHECK_INT(utimensat(AT_FDCWD, path, old, 0), 0);
		free(path);
	}
	sources_trim(b.sources, 26);
	CHECK(!file_exists(test_path("sources/a.tar.gz")));
	CHECK(file_exists(test_path("sources/b.tar.gz")));
	/* What a job may be about to unpack stays, whatever the limit. */
	sources_trim(b.sources, 1);
	CHECK(!file_exists(test_path("sources/b.tar.gz")));
	CHECK(!file_exists(test_path("sources/c.tar.gz.part-1-2")));
	CHECK(file_exists(kept));
	free(kept);
	tear_down(&b);
}
