#include "api/webhooks/webhooks.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/catalog/catalog.h"
#include "api/catalog/deliveries.h"
#include "api/webhooks/signature.h"
#include "builder/base/clock.h"
#include "builder/base/file.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/base/strv.h"
#include "builder/transfer/request.h"

#define SLOTS        2
#define LOOK_MS      1000 /* for what is due */
#define SEND_SECONDS 10
#define ANSWER_MAX   (64u << 10) /* nobody reads it */
#define URL_MAX      2000
#define SECRET_MAX   4096
#define SECRET_MIN   16
#define SECRET_BYTES 32

enum slot_state { SLOT_IDLE, SLOT_ASKING, SLOT_SENDING, SLOT_RECORDING };

struct slot {
	struct webhooks *webhooks;
	enum slot_state state;
	char *busy; /* the URL that another slot sends to, while ASKING */
	struct delivery delivery;
	uv_work_t work;
	int status; /* of the answer; 0 if there was none */
	struct err e;
};

struct webhooks {
	uv_loop_t *loop;
	struct catalog *catalog;
	struct strv urls;
	char *secret;
	uv_timer_t timer;
	struct slot slots[SLOTS];
	bool configuring;    /* the catalog has not heard of the URLs yet */
	atomic_bool closing; /* also ends what is being sent */
	void (*closed)(void *);
	void *closed_arg;
};

static void slot_next(struct slot *s);

/* ---- sending, on the pool ---- */

static void
judge(struct slot *s, int r, long status)
{
	s->status = (int)status;
	/* Who answers at length has taken it all the same. */
	if (r == ERR_TOO_LARGE && status >= 200 && status < 300)
		s->e = (struct err){0};
	else if (r == 0 && status >= 300 && status < 400)
		err_set(&s->e, ERR_UNREACHABLE,
			"the receiver answered HTTP status %ld; redirects are not followed",
			status);
	else if (r == 0 && (status < 200 || status >= 300))
		err_set(&s->e, ERR_UNREACHABLE, "the receiver answered HTTP status %ld", status);
}

static void
send_on_pool(uv_work_t *work)
{
	struct slot *s = work->data;
	const struct delivery *d = &s->delivery;
	int64_t now = clock_wall_ms() / 1000;
	char hex[SIGNATURE_HEX_SIZE], id[64], timestamp[64], signature[128];
	const char *const headers[] = {id, timestamp, signature,
				       "X-Prebuildd-Event: build.finished"};
	struct transfer_request req = {
		.method = "POST",
		.url = d->url,
		.type = "application/json",
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = d->body,
		.body_len = strlen(d->body),
		.seconds = SEND_SECONDS,
		.limit = ANSWER_MAX,
		.cancel = &s->webhooks->closing,
	};
	struct transfer_response answer;
	int r;

	signature_make(s->webhooks->secret, now, d->body, hex);
	snprintf(id, sizeof id, "X-Prebuildd-Delivery: d%lld", (long long)d->id);
	snprintf(timestamp, sizeof timestamp, "X-Prebuildd-Timestamp: %lld", (long long)now);
	snprintf(signature, sizeof signature, "X-Prebuildd-Signature: sha256=%s", hex);
	r = transfer_request(&req, &answer, &s->e);
	judge(s, r, answer.status);
	buf_fini(&answer.body);
}

/* ---- on the loop and in the catalog ---- */

static int
record_work(struct db *db, void *arg, struct err *e)
{
	const struct slot *s = arg;
	int64_t now = clock_wall_ms();

	if (s->e.code == ERR_CANCELLED)
		return deliveries_release(db, s->delivery.id, now, e);
	return deliveries_tried(db, s->delivery.id, s->status, s->e.code != 0 ? s->e.msg : NULL,
				now, e);
}

static void
recorded(int r, void *arg, const struct err *e)
{
	struct slot *s = arg;

	if (r != 0)
		log_error("webhook", "d%lld error=\"%s\"", (long long)s->delivery.id, e->msg);
	delivery_fini(&s->delivery);
	slot_next(s);
}

static void
sent(uv_work_t *work, int status)
{
	struct slot *s = work->data;
	const struct delivery *d = &s->delivery;
	int shown = (int)strcspn(d->url, "?"); /* a query may hold what is secret */

	/* Taken out of the pool's queue before it began. */
	if (status != 0)
		err_set(&s->e, ERR_CANCELLED, "stopped");
	if (s->e.code == 0)
		log_info("webhook", "d%lld url=%.*s status=%d", (long long)d->id, shown, d->url,
			 s->status);
	else if (s->e.code != ERR_CANCELLED)
		log_warn("webhook", "d%lld url=%.*s attempt=%lld status=%d code=%s",
			 (long long)d->id, shown, d->url, (long long)d->attempt, s->status,
			 err_name(s->e.code));
	s->state = SLOT_RECORDING;
	catalog_submit(s->webhooks->catalog, record_work, recorded, s);
}

static int
claim_work(struct db *db, void *arg, struct err *e)
{
	struct slot *s = arg;

	return deliveries_claim(db, s->busy, clock_wall_ms(), &s->delivery, e);
}

static void on_timer_closed(uv_handle_t *handle);

static void
maybe_closed(struct webhooks *w)
{
	if (!atomic_load(&w->closing) || w->configuring)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (w->slots[i].state != SLOT_IDLE)
			return;
	if (!uv_is_closing((uv_handle_t *)&w->timer))
		uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

static void
slot_idle(struct slot *s)
{
	s->state = SLOT_IDLE;
	maybe_closed(s->webhooks);
}

static void
claimed(int r, void *arg, const struct err *e)
{
	struct slot *s = arg;
	struct webhooks *w = s->webhooks;

	free(s->busy);
	s->busy = NULL;
	if (r != 0)
		log_error("webhook", "error=\"%s\"", e->msg);
	if (r != 0)
		delivery_fini(&s->delivery);
	if (r != 0 || s->delivery.id == 0) {
		slot_idle(s);
		return;
	}
	s->state = SLOT_SENDING;
	s->status = 0;
	s->e = (struct err){0};
	s->work.data = s;
	uv_queue_work(w->loop, &s->work, send_on_pool, sent);
	if (atomic_load(&w->closing))
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (w->slots[i].state == SLOT_IDLE)
			slot_next(&w->slots[i]);
}

/* Looks for the next delivery. Only one slot does at a time, so that it knows what others send. */
static void
slot_next(struct slot *s)
{
	struct webhooks *w = s->webhooks;
	const char *busy = "";

	s->state = SLOT_IDLE;
	for (size_t i = 0; i < SLOTS; i++) {
		if (w->slots[i].state == SLOT_ASKING)
			return;
		if (w->slots[i].state != SLOT_IDLE)
			busy = w->slots[i].delivery.url;
	}
	if (atomic_load(&w->closing)) {
		slot_idle(s);
		return;
	}
	s->busy = xstrdup(busy);
	s->state = SLOT_ASKING;
	catalog_submit(w->catalog, claim_work, claimed, s);
}

static void
on_timer(uv_timer_t *timer)
{
	struct webhooks *w = timer->data;

	for (size_t i = 0; i < SLOTS; i++)
		if (w->slots[i].state == SLOT_IDLE)
			slot_next(&w->slots[i]);
}

/* ---- opening and closing ---- */

static int
check_url(const char *url, struct err *e)
{
	const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
			   : strncmp(url, "https://", 8) == 0 ? url + 8
							      : NULL;
	size_t n = host != NULL ? strcspn(host, "/?#") : 0;

	if (n == 0 || strlen(url) > URL_MAX)
		return err_set(e, ERR_USAGE,
			       "--webhook wants a URL such as https://host/path, not \"%.80s\"",
			       url);
	if (memchr(host, '@', n) != NULL)
		return err_set(e, ERR_USAGE,
			       "--webhook: put no user or password into the URL: deliveries are "
			       "signed");
	return 0;
}

static int
read_urls(struct webhooks *w, const struct webhooks_config *config, struct err *e)
{
	for (size_t i = 0; i < config->count; i++) {
		char *text = xstrdup(config->urls[i]), *save = NULL;

		for (char *url = strtok_r(text, " \t\r\n", &save); url != NULL && e->code == 0;
		     url = strtok_r(NULL, " \t\r\n", &save))
			if (check_url(url, e) == 0 && !strv_has(&w->urls, url))
				strv_add(&w->urls, url);
		free(text);
	}
	if (w->urls.n > WEBHOOKS_MAX)
		err_set(e, ERR_USAGE, "--webhook: more than %d URLs", WEBHOOKS_MAX);
	return e->code;
}

static int
make_secret(const char *path, struct err *e)
{
	unsigned char random[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];

	randombytes_buf(random, sizeof random);
	sodium_bin2hex(hex, sizeof hex, random, sizeof random);
	return file_write_atomic(path, hex, strlen(hex), 0600, e);
}

static int
read_secret(struct webhooks *w, const struct webhooks_config *config, struct err *e)
{
	const char *path = config->secret_file != NULL ? config->secret_file : config->own_file;
	struct buf text = {0};

	if (config->secret_file == NULL && !file_exists(path) && make_secret(path, e) != 0)
		return e->code;
	if (file_read(path, SECRET_MAX, &text, e) == 0) {
		size_t n = text.data != NULL ? strcspn(text.data, "\r\n") : 0;

		if (n < SECRET_MIN)
			err_set(e, ERR_USAGE, "%s: the first line is a secret of at least %d bytes",
				path, SECRET_MIN);
		else
			w->secret = xstrndup(text.data, n);
	}
	buf_fini(&text);
	return e->code;
}

static void
webhooks_free(struct webhooks *w)
{
	strv_fini(&w->urls);
	free(w->secret);
	free(w);
}

static int
configure_work(struct db *db, void *arg, struct err *e)
{
	const struct webhooks *w = arg;

	return deliveries_configure(db, (const char *const *)w->urls.at, w->urls.n, clock_wall_ms(),
				    e);
}

static void
configured(int r, void *arg, const struct err *e)
{
	struct webhooks *w = arg;

	if (r != 0)
		log_error("webhook", "error=\"%s\"", e->msg);
	w->configuring = false;
	if (r == 0 && w->urls.n > 0 && !atomic_load(&w->closing))
		uv_timer_start(&w->timer, on_timer, LOOK_MS, LOOK_MS);
	maybe_closed(w);
}

int
webhooks_open(struct uv_loop_s *loop, struct catalog *catalog, const struct webhooks_config *config,
	      struct webhooks **out, struct err *e)
{
	struct webhooks *w = xcalloc(1, sizeof *w);

	if (read_urls(w, config, e) != 0 || (w->urls.n > 0 && read_secret(w, config, e) != 0)) {
		webhooks_free(w);
		return e->code;
	}
	w->loop = loop;
	w->catalog = catalog;
	for (size_t i = 0; i < SLOTS; i++)
		w->slots[i].webhooks = w;
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	w->configuring = true;
	catalog_submit(catalog, configure_work, configured, w);
	*out = w;
	return 0;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct webhooks *w = handle->data;

	if (w->closed != NULL)
		w->closed(w->closed_arg);
	webhooks_free(w);
}

void
webhooks_close(struct webhooks *w, void (*closed)(void *), void *arg)
{
	w->closed = closed;
	w->closed_arg = arg;
	atomic_store(&w->closing, true);
	uv_timer_stop(&w->timer);
	for (size_t i = 0; i < SLOTS; i++)
		if (w->slots[i].state == SLOT_SENDING)
			uv_cancel((uv_req_t *)&w->slots[i].work);
	maybe_closed(w);
}
