#include "api/catalog/catalog.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/db.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"

/* How many pieces of work share a transaction at most. */
#define GROUP_MAX 64

struct item {
	struct item *next;
	catalog_work work;
	catalog_done done;
	void *arg;
	int r;
	struct err e;
};

struct queue {
	struct item *head, **tail;
};

struct catalog {
	struct db *db; /* the thread's own once it runs */
	pthread_t thread;
	pthread_mutex_t lock; /* guards the three below */
	pthread_cond_t wake;
	struct queue todo, finished;
	bool stopping; /* the thread ends once todo is empty */

	/* The loop's side. */
	uv_async_t async;
	size_t pending; /* submitted and not yet answered */
	bool closing;
	void (*closed)(void *);
	void *closed_arg;
};

static void
push(struct queue *q, struct item *item)
{
	item->next = NULL;
	*q->tail = item;
	q->tail = &item->next;
}

static struct item *
take_all(struct queue *q)
{
	struct item *head = q->head;

	q->head = NULL;
	q->tail = &q->head;
	return head;
}

static int
sql(struct db *db, const char *text, struct err *e)
{
	return db_exec(db, text, NULL, 0, NULL, NULL, e);
}

static void
run_one(struct db *db, struct item *item)
{
	item->r = sql(db, "SAVEPOINT piece", &item->e);
	if (item->r != 0)
		return;
	item->r = item->work(db, item->arg, &item->e);
	if (item->r != 0)
		sql(db, "ROLLBACK TO piece", NULL);
	sql(db, "RELEASE piece", NULL);
}

static void
run_group(struct db *db, struct item *group)
{
	struct err e = {0};
	int r = sql(db, "BEGIN IMMEDIATE", &e);

	for (struct item *i = group; r == 0 && i != NULL; i = i->next) {
		run_one(db, i);
		/* Without its transaction, the next piece would be stored on its own. */
		if (!db_in_transaction(db))
			r = err_set(&e, i->e.code != 0 ? i->e.code : ERR_INTERNAL, "%s",
				    i->e.code != 0 ? i->e.msg : "the transaction was lost");
	}
	if (r == 0)
		r = sql(db, "COMMIT", &e);
	if (r == 0)
		return;
	/* Nothing of the group is stored, so nobody may be told that it is. */
	sql(db, "ROLLBACK", NULL);
	log_error("catalog", "error=\"%s\"", e.msg);
	if (r == ERR_BUSY)
		snprintf(e.msg, sizeof e.msg, "the catalog does not answer; try again");
	for (struct item *i = group; i != NULL; i = i->next) {
		i->r = r;
		i->e = e;
	}
}

static void *
run_thread(void *arg)
{
	struct catalog *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct item *group;
		size_t n = 0;

		while (c->todo.head == NULL && !c->stopping)
			pthread_cond_wait(&c->wake, &c->lock);
		if (c->todo.head == NULL)
			break;
		group = c->todo.head;
		for (struct item **at = &c->todo.head; *at != NULL; at = &(*at)->next) {
			if (++n > GROUP_MAX) {
				c->todo.head = *at;
				*at = NULL;
				break;
			}
		}
		if (n <= GROUP_MAX)
			take_all(&c->todo);
		pthread_mutex_unlock(&c->lock);
		run_group(c->db, group);
		pthread_mutex_lock(&c->lock);
		while (group != NULL) {
			struct item *next = group->next;

			push(&c->finished, group);
			group = next;
		}
		uv_async_send(&c->async);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
on_async_closed(uv_handle_t *h)
{
	struct catalog *c = h->data;

	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	if (c->closed != NULL)
		c->closed(c->closed_arg);
	free(c);
}

/* Ends the thread, which has nothing left to do, so that the join is short. */
static void
finish(struct catalog *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	db_close(c->db);
	uv_close((uv_handle_t *)&c->async, on_async_closed);
}

static void
on_finished(uv_async_t *async)
{
	struct catalog *c = async->data;
	struct item *list;

	pthread_mutex_lock(&c->lock);
	list = take_all(&c->finished);
	pthread_mutex_unlock(&c->lock);
	while (list != NULL) {
		struct item *next = list->next;

		if (list->done != NULL)
			list->done(list->r, list->arg, &list->e);
		free(list);
		list = next;
		c->pending--;
	}
	if (c->closing && c->pending == 0 && !uv_is_closing((uv_handle_t *)async))
		finish(c);
}

int
catalog_open(struct uv_loop_s *loop, const char *url, struct catalog **out, struct err *e)
{
	struct catalog *c = xcalloc(1, sizeof *c);
	int r;

	if (db_open(url, &c->db, e) != 0 || db_claim(c->db, e) != 0) {
		db_close(c->db);
		free(c);
		return e->code;
	}
	take_all(&c->todo);
	take_all(&c->finished);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	r = uv_async_init(loop, &c->async, on_finished);
	if (r == 0) {
		c->async.data = c;
		r = -pthread_create(&c->thread, NULL, run_thread, c);
		if (r != 0)
			uv_close((uv_handle_t *)&c->async, on_async_closed);
	} else {
		free(c);
	}
	if (r != 0)
		return err_sys(e, r, "start the catalog's thread");
	*out = c;
	return 0;
}

void
catalog_submit(struct catalog *c, catalog_work work, catalog_done done, void *arg)
{
	struct item *item = xcalloc(1, sizeof *item);

	item->work = work;
	item->done = done;
	item->arg = arg;
	c->pending++;
	pthread_mutex_lock(&c->lock);
	push(&c->todo, item);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

void
catalog_close(struct catalog *c, void (*closed)(void *), void *arg)
{
	c->closed = closed;
	c->closed_arg = arg;
	c->closing = true;
	if (c->pending == 0)
		finish(c);
}
