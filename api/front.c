#include "api/front.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "api/http/request.h"
#include "api/http/server.h"
#include "api/routes/content.h"
#include "api/routes/policy.h"
#include "api/routes/service.h"
#include "api/routes/upstreams.h"
#include "api/settings.h"
#include "api/store/store.h"
#include "builder/base/log.h"
#include "builder/base/mem.h"
#include "builder/cli/program.h"

#define TICK_MS 1000

struct serving {
	struct service service;
	struct settings settings;
	uv_loop_t loop;
	uv_signal_t term;
	uv_timer_t tick;
	uv_poll_t first; /* readable when the first process has gone */
	bool stopping;
};

static enum http_given
given(struct http_request *r, void *data)
{
	const struct service *s = data;

	if (!s->private && strcmp(http_route_pattern(r), "/prebuilds/{path*}") == 0 &&
	    http_header(r, "authorization") == NULL && prebuild_is_here(s, r))
		return HTTP_OURS;
	return http_give(r, FRONT_FIRST_FD) == 0 ? HTTP_GIVEN : HTTP_BUSY;
}

static void
send_counts(struct serving *f)
{
	struct metrics_counts counts = {0};

	metrics_take(&f->service, &counts);
	if (send(FRONT_FIRST_FD, &counts, sizeof counts, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		metrics_add(&f->service, &counts);
}

static void
on_tick(uv_timer_t *timer)
{
	send_counts(timer->data);
}

static void
on_server_closed(void *data)
{
	struct serving *f = data;

	f->service.server = NULL;
	uv_close((uv_handle_t *)&f->term, NULL);
	uv_close((uv_handle_t *)&f->tick, NULL);
	uv_close((uv_handle_t *)&f->first, NULL);
}

static void
stop(struct serving *f)
{
	if (f->stopping)
		return;
	f->stopping = true;
	content_end_waits(&f->service);
	http_server_close(f->service.server, on_server_closed, f);
}

static void
on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	stop(signal->data);
}

/* The first sends nothing: that there is something to read means that it has gone. */
static void
on_first(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_poll_stop(poll);
	stop(poll->data);
}

static int
run(struct serving *f, struct err *e)
{
	const struct http_config config = {
		.limits = f->settings.limits,
		.spool_dir = f->settings.spool,
		.routes = service_routes,
		.route_count = service_route_count,
		.data = &f->service,
		.given = given,
		.on_done = metrics_count,
	};

	settings_widen_pool(&f->settings);
	uv_loop_init(&f->loop);
	f->service.loop = &f->loop;
	if (http_server_open_on(&f->loop, FRONT_LISTEN_FD, &config, &f->service.server, e) != 0)
		return e->code;
	uv_signal_init(&f->loop, &f->term);
	uv_timer_init(&f->loop, &f->tick);
	uv_poll_init(&f->loop, &f->first, FRONT_FIRST_FD);
	f->term.data = f->tick.data = f->first.data = f;
	uv_signal_start(&f->term, on_signal, SIGTERM);
	uv_timer_start(&f->tick, on_tick, TICK_MS, TICK_MS);
	uv_poll_start(&f->first, UV_READABLE, on_first);
	send_counts(f);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	return 0;
}

int
front_main(int argc, char **argv)
{
	struct serving f = {0};
	struct err e = {0};

	if (settings_read(&f.settings, argc, argv, &f.service, &e) == 0) {
		f.settings.store.shared = true;
		if (store_open(&f.settings.store, &f.service.store, &e) == 0)
			run(&f, &e);
	}
	if (e.code != 0)
		log_error("front", "error=\"%s\"", e.msg);
	if (f.service.loop != NULL)
		uv_loop_close(&f.loop);
	store_close(f.service.store);
	metrics_fini(&f.service);
	policy_free(f.service.policy);
	upstreams_free(f.service.upstreams);
	settings_fini(&f.settings);
	return e.code == 0 ? 0 : err_exit(e.code);
}
