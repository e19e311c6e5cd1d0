#include "workers/inventory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/json.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/toolchain/toolchain.h"

/* Opened ones stay: a job may still use a toolchain that is not the current one any more. */
struct entry {
	struct entry *next;
	char *path; /* where the target's link led when it was opened */
	struct toolchain toolchain;
};

struct inventory {
	char *dir;
	const struct target *only[32];
	size_t only_count;
	pthread_mutex_t lock; /* guards the two below */
	struct entry *entries;
	const struct toolchain *current[32]; /* by position of the target */
};

struct inventory *
inventory_new(const char *dir, const struct target *const *only, size_t count)
{
	struct inventory *inv = xcalloc(1, sizeof *inv);

	inv->dir = xstrdup(dir);
	for (size_t i = 0; i < count && i < ARRAY_SIZE(inv->only); i++)
		inv->only[inv->only_count++] = only[i];
	pthread_mutex_init(&inv->lock, NULL);
	return inv;
}

void
inventory_free(struct inventory *inv)
{
	while (inv != NULL && inv->entries != NULL) {
		struct entry *e = inv->entries;

		inv->entries = e->next;
		toolchain_fini(&e->toolchain);
		free(e->path);
		free(e);
	}
	if (inv != NULL) {
		pthread_mutex_destroy(&inv->lock);
		free(inv->dir);
	}
	free(inv);
}

static bool
wanted(const struct inventory *inv, const struct target *t)
{
	for (size_t i = 0; i < inv->only_count; i++)
		if (inv->only[i] == t)
			return true;
	return inv->only_count == 0;
}

/* The opened toolchain that the target's link leads to; opened now if it is new. */
static const struct toolchain *
current(struct inventory *inv, const struct target *t)
{
	char *link = xasprintf("%s/%s", inv->dir, t->triple);
	char *path = realpath(link, NULL);
	struct entry *entry = inv->entries;
	struct err e = {0};

	free(link);
	if (path == NULL)
		return NULL;
	while (entry != NULL && strcmp(entry->path, path) != 0)
		entry = entry->next;
	if (entry != NULL) {
		free(path);
		return &entry->toolchain;
	}
	entry = xcalloc(1, sizeof *entry);
	if (toolchain_open(inv->dir, t, &entry->toolchain, &e) != 0) {
		log_warn("worker", "target=%s error=\"%s\"", t->triple, e.msg);
		free(entry);
		free(path);
		return NULL;
	}
	log_info("worker", "target=%s toolchain=%s", t->triple, entry->toolchain.digest);
	entry->path = path;
	entry->next = inv->entries;
	inv->entries = entry;
	return &entry->toolchain;
}

struct json *
inventory_scan(struct inventory *inv)
{
	struct json *found = json_object();

	pthread_mutex_lock(&inv->lock);
	for (size_t i = 0; i < target_count() && i < ARRAY_SIZE(inv->current); i++) {
		const struct target *t = target_at(i);

		inv->current[i] = wanted(inv, t) ? current(inv, t) : NULL;
		if (inv->current[i] != NULL)
			json_set_str(found, t->triple, inv->current[i]->digest);
	}
	pthread_mutex_unlock(&inv->lock);
	return found;
}

const struct toolchain *
inventory_find(struct inventory *inv, const struct target *target)
{
	const struct toolchain *found = NULL;

	pthread_mutex_lock(&inv->lock);
	for (size_t i = 0; found == NULL && i < target_count() && i < ARRAY_SIZE(inv->current); i++)
		if (inv->current[i] != NULL && (target == NULL || target_at(i) == target))
			found = inv->current[i];
	pthread_mutex_unlock(&inv->lock);
	return found;
}
