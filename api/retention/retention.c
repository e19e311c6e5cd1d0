#include "api/retention/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/catalog/db.h"
#include "api/catalog/field.h"
#include "api/catalog/retention.h"
#include "api/registry/release.h"
#include "api/store/store.h"
#include "builder/base/clock.h"
#include "builder/base/json.h"
#include "builder/base/mem.h"
#include "builder/model/origin.h"

#define BATCH       500
#define ROOM_MIN_MS 5
#define ROOM_MAX_MS 1000

struct run {
	struct retention *want;
	struct db *db;
	struct store *store;
	const char *log_dir;
	int64_t now;

	struct json *listed;
	int64_t versions, artifacts, contents, bytes, logs; /* removed */
	int64_t left_contents, left_bytes;
	int64_t leaving; /* of left_bytes, what the next run will remove */
	int64_t told;    /* dry run: versions from before that are listed already */
	bool knows;      /* the catalog knows, or knew, of some content */
};

static int
stopped(const struct run *run, struct err *e)
{
	return atomic_load(&run->want->stop) ? err_set(e, ERR_CANCELLED, "the service stops") : 0;
}

static int
sql(struct run *run, const char *text, struct err *e)
{
	return db_exec(run->db, text, NULL, 0, NULL, NULL, e);
}

/* Ends a transaction, as r says; returns r, or why it could not be ended. */
static int
end(struct run *run, int r, struct err *e)
{
	if (r == 0)
		r = sql(run, "COMMIT", e);
	if (r != 0 && db_in_transaction(run->db))
		sql(run, "ROLLBACK", NULL);
	return r;
}

/* ---- versions ---- */

static void
list_version(struct run *run, const struct retention_version *v)
{
	struct json *o;

	run->versions++;
	run->artifacts += v->artifacts;
	if (run->versions > RETENTION_LISTED_MAX)
		return;
	o = json_object();
	json_set_str(o, "package", v->package);
	json_set_str(o, "version", v->version);
	field_time(o, "last", v->last);
	json_set_int(o, "artifacts", v->artifacts);
	json_set_int(o, "size", v->size);
	json_add(run->listed, o);
}

/* What npm clients find of it. Versions with a '+' are not there. */
static int
remove_npm(struct run *run, const struct retention_version *v, struct err *e)
{
	int r = 0;

	if (!package_name_valid(v->package) || origin_is_pinned(v->version))
		return 0;
	for (size_t i = 0; r == 0 && i <= target_count(); i++) {
		const struct target *target = i < target_count() ? target_at(i) : NULL;
		struct buf name = {0};

		release_name(v->package, target, &name);
		r = retention_remove_npm(run->db, name.data, target != NULL, v->version, e);
		buf_fini(&name);
	}
	return r;
}

/* Its names are hidden before it is forgotten, while nobody else can write: whoever publishes it anew comes
 * after both. */
static int
forget(struct run *run, const struct retention_version *v, int64_t before, bool *forgotten,
       struct err *e)
{
	struct strv names = {0};
	int r = sql(run, "BEGIN IMMEDIATE", e);

	*forgotten = false;
	if (r == 0)
		r = retention_is_old(run->db, v, before, forgotten, e);
	if (r == 0 && *forgotten) {
		r = retention_names(run->db, v, &names, e);
		if (r == 0)
			r = store_unlink(run->store, (const char *const *)names.at, names.n, e);
		if (r == 0)
			r = retention_remove(run->db, v, e);
		if (r == 0)
			r = remove_npm(run, v, e);
	}
	strv_fini(&names);
	return end(run, r, e);
}

/* The lock of the database is left alone for as long as it was held, or the service would only get it by
 * chance. */
static void
make_room(uint64_t since)
{
	uint64_t held = clock_mono_ms() - since;
	uint64_t ms = held < ROOM_MIN_MS ? ROOM_MIN_MS : held > ROOM_MAX_MS ? ROOM_MAX_MS : held;

	nanosleep(&(struct timespec){.tv_sec = (time_t)(ms / 1000),
				     .tv_nsec = (long)(ms % 1000) * 1000000},
		  NULL);
}

/* Forgets the oldest versions from before that time, until they made up `size` bytes. *some: whether there
 * were any. */
static int
forget_until(struct run *run, int64_t before, int64_t size, bool *some, struct err *e)
{
	struct retention_versions l = {0};
	int64_t gone = 0;
	size_t batch;
	int r = 0;

	*some = false;
	atomic_store(&run->want->phase, RETENTION_VERSIONS);
	do {
		retention_versions_fini(&l);
		r = retention_oldest(run->db, before, run->want->dry_run ? INT_MAX : BATCH, &l, e);
		batch = l.n;
		for (size_t i = 0; r == 0 && i < l.n && gone < size; i++) {
			bool forgotten = l.at[i].last >= run->told;
			uint64_t since = clock_mono_ms();

			r = stopped(run, e);
			if (r == 0 && !run->want->dry_run) {
				r = forget(run, &l.at[i], before, &forgotten, e);
				make_room(since);
			}
			if (r != 0 || !forgotten)
				continue;
			*some = true;
			gone += l.at[i].size;
			list_version(run, &l.at[i]);
		}
	} while (r == 0 && batch == BATCH && gone < size && !run->want->dry_run);
	retention_versions_fini(&l);
	if (run->want->dry_run) {
		run->bytes += gone;
		run->leaving += gone;
		run->told = before;
	}
	return r;
}

/* ---- content ---- */

struct content {
	char hex[DIGEST_HEX_SIZE];
	int64_t size, put;
};

struct contents {
	struct content *at;
	size_t n, room;
};

static void
on_content(const char *hex, uint64_t size, int64_t put, void *arg)
{
	struct contents *c = arg;

	if (c->n == c->room) {
		c->room = c->room != 0 ? 2 * c->room : 256;
		c->at = xrealloc(c->at, c->room * sizeof *c->at);
	}
	c->at[c->n] = (struct content){.size = (int64_t)size, .put = put};
	snprintf(c->at[c->n++].hex, DIGEST_HEX_SIZE, "%s", hex);
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_known(const struct strv *known, const char *hex)
{
	return known->n > 0 &&
	       bsearch(&hex, known->at, known->n, sizeof *known->at, compare_text) != NULL;
}

static int
sweep_one(struct run *run, const struct content *c, struct err *e)
{
	int64_t before = run->now - RETENTION_GRACE_MS;
	bool removed = c->put < before;
	int r = 0;

	if (removed && !run->knows)
		return err_set(
			e, ERR_CONFLICT,
			"the catalog knows of nothing at all that the store holds; is it the "
			"one that belongs to this store?");
	if (removed && !run->want->dry_run)
		r = stopped(run, e);
	if (r == 0 && removed && !run->want->dry_run)
		r = store_remove(run->store, c->hex, before, &removed, e);
	if (r != 0)
		return r;
	if (removed) {
		run->contents++;
		run->bytes += c->size;
	} else {
		run->left_contents++;
		run->left_bytes += c->size;
		run->leaving += c->size;
	}
	return r;
}

/* The content whose digests begin so. What the catalog knows is asked after the store was read: what is put
 * meanwhile is not in the list, and what is put again is spared by its time. */
static int
sweep_part(struct run *run, const char *prefix, struct err *e)
{
	struct contents all = {0};
	struct strv known = {0};
	int r = store_each(run->store, prefix, on_content, &all, e);

	if (r == 0)
		r = retention_digests(run->db, prefix, &known, e);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (!is_known(&known, all.at[i].hex)) {
			r = sweep_one(run, &all.at[i], e);
		} else {
			run->left_contents++;
			run->left_bytes += all.at[i].size;
		}
	}
	strv_fini(&known);
	free(all.at);
	return r;
}

static int
sweep(struct run *run, struct err *e)
{
	char prefix[3];
	int r = 0;

	run->left_contents = run->left_bytes = 0;
	if (!run->want->dry_run)
		run->leaving = 0;
	atomic_store(&run->want->phase, RETENTION_CONTENT);
	for (int part = 0; r == 0 && part < RETENTION_PARTS; part++) {
		atomic_store(&run->want->done, part);
		snprintf(prefix, sizeof prefix, "%02x", (unsigned)part);
		r = stopped(run, e);
		if (r == 0)
			r = sweep_part(run, prefix, e);
	}
	return r;
}

/* ---- logs ---- */

/* "j17.log": 17; 0 if it is none. */
static int64_t
job_of(const char *file)
{
	char *end = NULL;
	long long id = file[0] == 'j' && file[1] >= '1' && file[1] <= '9'
			       ? strtoll(file + 1, &end, 10)
			       : 0;

	return id > 0 && strcmp(end, ".log") == 0 ? id : 0;
}

static int
sweep_logs(struct run *run, struct err *e)
{
	DIR *dir = opendir(run->log_dir);
	const struct dirent *entry;
	int r = 0;

	atomic_store(&run->want->phase, RETENTION_LOGS);
	if (dir == NULL)
		return err_sys(e, -errno, "read %s", run->log_dir);
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		int64_t job = job_of(entry->d_name);
		bool known = true;

		r = stopped(run, e);
		if (r == 0 && job != 0)
			r = retention_job_known(run->db, job, &known, e);
		if (r != 0 || known)
			continue;
		run->logs++;
		if (!run->want->dry_run && unlinkat(dirfd(dir), entry->d_name, 0) != 0)
			r = err_sys(e, -errno, "remove %s/%s", run->log_dir, entry->d_name);
	}
	closedir(dir);
	return r;
}

/* ---- the run ---- */

/* Those that nothing was built of; in a dry run they are not looked for. *some: whether there were any. */
static int
forget_uploads(struct run *run, int64_t before, bool *some, struct err *e)
{
	int r;

	*some = false;
	if (run->want->dry_run)
		return 0;
	r = sql(run, "BEGIN IMMEDIATE", e);
	if (r == 0)
		r = retention_remove_uploads(run->db, before, e);
	*some = r == 0 && db_changes(run->db) > 0;
	return end(run, r, e);
}

static int
by_age(struct run *run, struct err *e)
{
	int64_t age = run->want->max_age_ms;
	int64_t before = run->now - (age > RETENTION_GRACE_MS ? age : RETENTION_GRACE_MS);
	bool some;
	int r;

	if (age == 0)
		return 0;
	r = forget_until(run, before, INT64_MAX, &some, e);
	return r != 0 ? r : forget_uploads(run, before, &some, e);
}

static int64_t
excess(const struct run *run)
{
	return run->want->max_size != 0 ? run->left_bytes - run->leaving - run->want->max_size : 0;
}

/* Uploads that nothing was built of go first. What versions share is not gone with one of them, and what was made
 * for npm is not in their size: so half of the excess at a time, and then another look. */
static int
by_size(struct run *run, struct err *e)
{
	int64_t before = run->now - RETENTION_GRACE_MS;
	bool some = true, uploads = false;
	int r = 0;

	if (run->want->dry_run)
		return excess(run) > 0 ? forget_until(run, before, excess(run), &some, e) : 0;
	if (excess(run) > 0)
		r = forget_uploads(run, before, &uploads, e);
	if (r == 0 && uploads)
		r = sweep(run, e);
	while (r == 0 && some && excess(run) > 0) {
		r = forget_until(run, before, (excess(run) + 1) / 2, &some, e);
		if (r == 0 && some)
			r = forget_uploads(run, before, &uploads, e);
		if (r == 0 && some)
			r = sweep(run, e);
	}
	return r;
}

static struct json *
result(const struct run *run)
{
	struct json *o = json_object(), *removed = json_object(), *left = json_object();

	json_set(o, "versions", run->listed);
	json_set_int(removed, "versions", run->versions);
	json_set_int(removed, "artifacts", run->artifacts);
	json_set_int(removed, "contents", run->contents);
	json_set_int(removed, "bytes", run->bytes);
	json_set_int(removed, "logs", run->logs);
	json_set(o, "removed", removed);
	json_set_int(left, "contents", run->left_contents);
	json_set_int(left, "bytes", run->left_bytes);
	json_set(o, "left", left);
	return o;
}

int
retention_run(struct retention *want, struct db *db, struct store *store, const char *log_dir,
	      int64_t now, struct json **out, struct err *e)
{
	struct run run = {
		.want = want,
		.db = db,
		.store = store,
		.log_dir = log_dir,
		.now = now,
		.listed = json_array(),
	};
	int r = retention_knows_any(db, &run.knows, e);

	if (r == 0)
		r = by_age(&run, e);
	if (r == 0)
		r = sweep(&run, e);
	if (r == 0)
		r = by_size(&run, e);
	if (r == 0)
		r = sweep_logs(&run, e);
	*out = result(&run);
	atomic_store(&want->phase, RETENTION_OVER);
	return r;
}
