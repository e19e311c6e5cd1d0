#include "api/store/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/store/bucket.h"
#include "api/store/fs.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

#define CONTENT_MAX (8ull << 30) /* more than any limit of uploads lets in */
#define KEY_SIZE    (sizeof "sha256/ab/" + DIGEST_HEX_SIZE)

struct s3 {
	struct bucket *bucket;
	void *copies; /* of store_fs */
	char *dir;
	uint64_t copies_max;
	_Atomic uint64_t copied;  /* bytes that the copies have, about */
	pthread_mutex_t trimming; /* one at a time */
	/* Who puts reads it, who removes writes it: between a look at when something was put and its
	 * removal nobody puts it again. */
	pthread_rwlock_t putting;
};

static void
key_of(const char *hex, char out[KEY_SIZE])
{
	snprintf(out, KEY_SIZE, "sha256/%.2s/%s", hex, hex);
}

static void
ignore(const char *key, uint64_t size, int64_t modified, void *arg)
{
	(void)key;
	(void)size;
	(void)modified;
	(void)arg;
}

/* ---- copies ---- */

struct copy {
	char hex[DIGEST_HEX_SIZE];
	uint64_t size;
	int64_t put;
};

struct copy_list {
	struct copy *at;
	size_t n, room;
	uint64_t size;
};

static void
on_copy(const char *hex, uint64_t size, int64_t put, void *arg)
{
	struct copy_list *l = arg;

	if (l->n == l->room) {
		l->room = l->room != 0 ? 2 * l->room : 256;
		l->at = xrealloc(l->at, l->room * sizeof *l->at);
	}
	l->at[l->n] = (struct copy){.size = size, .put = put};
	snprintf(l->at[l->n++].hex, DIGEST_HEX_SIZE, "%s", hex);
	l->size += size;
}

static int
list_copies(struct s3 *s3, struct copy_list *l, struct err *e)
{
	char prefix[3];
	int r = 0;

	for (unsigned part = 0; r == 0 && part < 256; part++) {
		snprintf(prefix, sizeof prefix, "%02x", part);
		r = store_fs.each(s3->copies, prefix, on_copy, l, e);
	}
	return r;
}

static int
compare_put(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	return x->put < y->put ? -1 : x->put > y->put;
}

/* The oldest copies go, until a tenth of the room is free. What is open for reading stays readable. */
static void
trim(struct s3 *s3)
{
	struct copy_list all = {0};
	struct err e = {0};
	bool removed;

	if (atomic_load(&s3->copied) <= s3->copies_max || pthread_mutex_trylock(&s3->trimming) != 0)
		return;
	if (list_copies(s3, &all, &e) == 0) {
		qsort(all.at, all.n, sizeof *all.at, compare_put);
		for (size_t i = 0; i < all.n && all.size > s3->copies_max / 10 * 9; i++)
			if (store_fs.remove(s3->copies, all.at[i].hex, INT64_MAX, &removed, &e) ==
				    0 &&
			    removed)
				all.size -= all.at[i].size;
		atomic_store(&s3->copied, all.size);
	}
	if (e.code != 0)
		log_warn("store", "copies=%s error=\"%s\"", s3->dir, e.msg);
	free(all.at);
	pthread_mutex_unlock(&s3->trimming);
}

/* ---- the store ---- */

static int
prepare(struct s3 *s3, const struct store_config *config, struct err *e)
{
	struct copy_list all = {0};
	int r = store_fs.open(config->dir, config, &s3->copies, e);

	if (r == 0)
		r = list_copies(s3, &all, e);
	s3->copied = all.size;
	free(all.at);
	/* Wrong credentials or a missing bucket are better known now. */
	if (r == 0 && !config->shared)
		r = bucket_list(s3->bucket, "sha256/", 1, ignore, NULL, e);
	return r;
}

static void
s3_close(void *backend)
{
	struct s3 *s3 = backend;

	if (s3->copies != NULL)
		store_fs.close(s3->copies);
	if (s3->bucket != NULL)
		bucket_close(s3->bucket);
	pthread_mutex_destroy(&s3->trimming);
	pthread_rwlock_destroy(&s3->putting);
	free(s3->dir);
	free(s3);
}

static int
s3_open(const char *location, const struct store_config *config, void **backend, struct err *e)
{
	struct s3 *s3 = xcalloc(1, sizeof *s3);
	int r;

	pthread_mutex_init(&s3->trimming, NULL);
	pthread_rwlock_init(&s3->putting, NULL);
	s3->dir = xstrdup(config->dir);
	s3->copies_max = config->copies_max;
	r = bucket_open(location, &s3->bucket, e);
	if (r == 0)
		r = prepare(s3, config, e);
	if (r != 0)
		s3_close(s3);
	else
		*backend = s3;
	return r;
}

/* What is there already is put again: its age counts from now. */
static int
s3_put(void *backend, const char *path, const char *hex, struct err *e)
{
	struct s3 *s3 = backend;
	char key[KEY_SIZE];
	struct stat st;
	int r;

	if (stat(path, &st) != 0)
		return err_sys(e, -errno, "stat %s", path);
	key_of(hex, key);
	pthread_rwlock_rdlock(&s3->putting);
	r = bucket_put(s3->bucket, key, path, hex, e);
	pthread_rwlock_unlock(&s3->putting);
	if (r == 0)
		r = store_fs.put(s3->copies, path, hex, e);
	if (r == 0) {
		atomic_fetch_add(&s3->copied, (uint64_t)st.st_size);
		trim(s3);
	}
	return r;
}

static int
s3_link(void *backend, const char *name, const char *hex, struct err *e)
{
	struct s3 *s3 = backend;

	return store_fs.link(s3->copies, name, hex, e);
}

static int
s3_resolve(void *backend, const char *name, char hex[DIGEST_HEX_SIZE], struct err *e)
{
	struct s3 *s3 = backend;

	return store_fs.resolve(s3->copies, name, hex, e);
}

static int
s3_open_here(void *backend, const char *hex, struct store_file *out, struct err *e)
{
	struct s3 *s3 = backend;

	return store_fs.open_here(s3->copies, hex, out, e);
}

/* Into the file, if it is what its name says. */
static int
get(struct s3 *s3, const char *hex, int fd, uint64_t *size, struct err *e)
{
	char key[KEY_SIZE], have[DIGEST_HEX_SIZE];
	struct digest d;
	off_t end;

	key_of(hex, key);
	if (bucket_get(s3->bucket, key, fd, CONTENT_MAX, e) != 0)
		return e->code;
	end = lseek(fd, 0, SEEK_END);
	*size = end > 0 ? (uint64_t)end : 0;
	if (digest_fd(fd, &d, e) != 0)
		return e->code;
	digest_hex(&d, have);
	if (strcmp(have, hex) != 0)
		return err_set(e, ERR_BUSY, "the bucket has other bytes under %s: %s", key, have);
	return 0;
}

/* What it opens is its copy, which stays readable if there is no room to keep it. */
static int
s3_fetch(void *backend, const char *hex, struct store_file *out, struct err *e)
{
	struct s3 *s3 = backend;
	char *temp = xasprintf("%s/tmp/fetch-XXXXXX", s3->dir);
	struct err why = {0};
	int r;

	out->fd = mkostemp(temp, O_CLOEXEC);
	if (out->fd < 0)
		r = err_sys(&why, -errno, "create %s", temp);
	else
		r = get(s3, hex, out->fd, &out->size, &why);
	if (r == 0)
		r = store_fs.put(s3->copies, temp, hex, &why);
	if (r == 0) {
		snprintf(out->hex, sizeof out->hex, "%s", hex);
		atomic_fetch_add(&s3->copied, out->size);
		trim(s3);
	} else if (out->fd >= 0) {
		unlink(temp);
		close(out->fd);
	}
	free(temp);
	if (r == ERR_NOT_FOUND)
		return err_set(e, r, "%s is not in the store", hex);
	return r != 0 ? err_set(e, r, "%s", why.msg) : 0;
}

struct listed {
	store_on_content on_content;
	void *arg;
	const char *part; /* the first two digits */
};

/* Whether a key is exactly that of the digest at its end: what else is there is not ours. */
static bool
is_key(const char *key, char hex[DIGEST_HEX_SIZE])
{
	const char *slash = strrchr(key, '/');
	char own[KEY_SIZE];
	struct digest d;

	if (slash == NULL || digest_parse(slash + 1, &d) != 0)
		return false;
	digest_hex(&d, hex);
	key_of(hex, own);
	return strcmp(own, key) == 0;
}

static void
on_object(const char *key, uint64_t size, int64_t modified, void *arg)
{
	struct listed *l = arg;
	char hex[DIGEST_HEX_SIZE];

	if (is_key(key, hex) && strncmp(hex, l->part, 2) == 0)
		l->on_content(hex, size, modified, l->arg);
}

static int
s3_each(void *backend, const char *prefix, store_on_content on_content, void *arg, struct err *e)
{
	struct s3 *s3 = backend;
	struct listed l = {on_content, arg, prefix};
	char begin[KEY_SIZE];

	snprintf(begin, sizeof begin, "sha256/%.2s/", prefix);
	return bucket_list(s3->bucket, begin, 0, on_object, &l, e);
}

struct put_time {
	const char *key;
	int64_t put;
};

static void
on_put_time(const char *key, uint64_t size, int64_t modified, void *arg)
{
	struct put_time *t = arg;

	(void)size;
	if (strcmp(key, t->key) == 0)
		t->put = modified;
}

static int
s3_remove(void *backend, const char *hex, int64_t before, bool *removed, struct err *e)
{
	struct s3 *s3 = backend;
	char key[KEY_SIZE];
	struct put_time time = {key, INT64_MAX};
	bool copy;
	int r;

	*removed = false;
	key_of(hex, key);
	pthread_rwlock_wrlock(&s3->putting);
	r = bucket_list(s3->bucket, key, 1, on_put_time, &time, e);
	if (r == 0 && time.put < before) {
		r = bucket_delete(s3->bucket, key, e);
		*removed = r == 0;
	}
	pthread_rwlock_unlock(&s3->putting);
	return *removed ? store_fs.remove(s3->copies, hex, INT64_MAX, &copy, e) : r;
}

static int
s3_unlink(void *backend, const char *const *names, size_t count, struct err *e)
{
	struct s3 *s3 = backend;

	return store_fs.unlink(s3->copies, names, count, e);
}

const struct store_ops store_s3 = {
	.scheme = "s3",
	.open = s3_open,
	.close = s3_close,
	.put = s3_put,
	.link = s3_link,
	.resolve = s3_resolve,
	.open_here = s3_open_here,
	.fetch = s3_fetch,
	.each = s3_each,
	.remove = s3_remove,
	.unlink = s3_unlink,
};
