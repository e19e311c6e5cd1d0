#include "builder/engine/configured.h"

#include <stdint.h>
#include <stdlib.h>

#include "builder/base/mem.h"

struct entry {
	struct entry *next;
	struct digest key;
	enum configured_answer answer; /* to the next who asks; never CONFIGURED_MAKE */
	struct buf plan, config;
	struct configured_waiter *waiters;
};

struct configured {
	struct entry *entries; /* the one that was used last is first */
	size_t count;
};

struct configured *
configured_new(void)
{
	return xcalloc(1, sizeof(struct configured));
}

static void
entry_free(struct entry *e)
{
	buf_fini(&e->plan);
	buf_fini(&e->config);
	free(e);
}

void
configured_free(struct configured *c)
{
	while (c != NULL && c->entries != NULL) {
		struct entry *e = c->entries;

		c->entries = e->next;
		entry_free(e);
	}
	free(c);
}

/* Takes the entry with this key out of the list; NULL if there is none. */
static struct entry *
take(struct configured *c, const struct digest *key)
{
	struct entry **at = &c->entries, *e;

	while (*at != NULL && !digest_equal(&(*at)->key, key))
		at = &(*at)->next;
	e = *at;
	if (e != NULL) {
		*at = e->next;
		c->count--;
	}
	return e;
}

static void
put_first(struct configured *c, struct entry *e)
{
	e->next = c->entries;
	c->entries = e;
	c->count++;
}

/* Those that are being made have somebody who will come back for them. */
static void
evict(struct configured *c)
{
	struct entry **last = NULL, *e;

	if (c->count <= CONFIGURED_MAX)
		return;
	for (struct entry **at = &c->entries; *at != NULL; at = &(*at)->next)
		if ((*at)->answer != CONFIGURED_WAIT)
			last = at;
	if (last == NULL)
		return;
	e = *last;
	*last = e->next;
	c->count--;
	entry_free(e);
}

enum configured_answer
configured_ask(struct configured *c, const struct digest *key, struct configured_waiter *w,
	       const struct buf **plan, const struct buf **config)
{
	struct entry *e = take(c, key);

	if (e == NULL) {
		e = xcalloc(1, sizeof *e);
		e->key = *key;
		e->answer = CONFIGURED_WAIT;
		put_first(c, e);
		evict(c);
		return CONFIGURED_MAKE;
	}
	put_first(c, e);
	if (e->answer == CONFIGURED_WAIT) {
		w->next = e->waiters;
		e->waiters = w;
	}
	*plan = &e->plan;
	*config = &e->config;
	return e->answer;
}

void
configured_forget(struct configured *c, const struct digest *key, struct configured_waiter *w)
{
	struct entry *e = take(c, key);
	struct configured_waiter **at;

	if (e == NULL)
		return;
	put_first(c, e);
	at = &e->waiters;
	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at != NULL)
		*at = w->next;
}

static void
tell(struct configured_waiter *w)
{
	while (w != NULL) {
		struct configured_waiter *next = w->next;

		w->on_ready(w->arg);
		w = next;
	}
}

/* What is being made has come to an end; gives its waiters, who are told once the entry is as
 * they will find it. */
static struct configured_waiter *
settle(struct configured *c, struct entry *e, enum configured_answer answer)
{
	struct configured_waiter *waiters = e->waiters;

	e->waiters = NULL;
	e->answer = answer;
	put_first(c, e);
	return waiters;
}

void
configured_keep(struct configured *c, const struct digest *key, struct buf *plan,
		struct buf *config)
{
	struct entry *e = take(c, key);

	e->plan = *plan;
	e->config = *config;
	*plan = *config = (struct buf){0};
	tell(settle(c, e, CONFIGURED_KNOWN));
}

void
configured_alone(struct configured *c, const struct digest *key)
{
	tell(settle(c, take(c, key), CONFIGURED_ALONE));
}

void
configured_drop(struct configured *c, const struct digest *key)
{
	struct entry *e = take(c, key);
	struct configured_waiter *waiters = e->waiters;

	entry_free(e);
	tell(waiters);
}
