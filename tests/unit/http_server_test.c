/* The life of the server and of its connections: limits, deadlines, clients that leave, the end. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "api/http/server.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/http_fixture.h"
#include "tests/lib/test.h"

#define HOST "Host: test\r\n"
#define OK   "GET /ok HTTP/1.1\r\n" HOST "\r\n"

static struct http_fixture *server;
static struct client client;
static struct answer answer;

static void
set_up(const struct http_limits *limits)
{
	server = http_fixture_start("127.0.0.1:0", test_dir(), limits);
	client = client_open(server);
}

static void
tear_down(void)
{
	answer_fini(&answer);
	client_close(&client);
	CHECK(http_fixture_alive(server));
	CHECK_INT(http_fixture_stop(server), 0);
}

/* As the server counts them, without the one that asks. */
static int
connections(void)
{
	struct client c = client_open(server);
	struct answer a = {0};
	int count = -1;

	if (client_ask(&c, "GET /connections HTTP/1.1\r\n" HOST "\r\n", &a) && a.status == 200)
		count = atoi(a.body.data) - 1;
	answer_fini(&a);
	client_close(&c);
	return count;
}

/* Closing is seen a moment later on the other side. */
static bool
connections_become(int count)
{
	for (int i = 0; i < 2000; i++) {
		if (connections() == count)
			return true;
		usleep(10000);
	}
	return false;
}

TEST(server_opens_and_closes)
{
	for (int i = 0; i < 3; i++) {
		server = http_fixture_start("127.0.0.1:0", test_dir(), NULL);
		CHECK(strncmp(http_fixture_address(server), "127.0.0.1:", 10) == 0);
		CHECK(http_fixture_port(server) > 0);
		CHECK_INT(http_fixture_stop(server), 0);
	}
}

static int
open_status(const char *address, const struct http_config *config)
{
	struct http_server *s = NULL;
	struct err e = {0};
	uv_loop_t loop;
	int r;

	uv_loop_init(&loop);
	r = http_server_open(&loop, address, false, config, &s, &e);
	if (r != 0) {
		CHECK(s == NULL);
		CHECK_INT(e.code, r);
		CHECK_MSG(e.msg[0] != '\0', "%s: no message", address);
	}
	/* Nothing is held: the loop can be closed at once. */
	CHECK_INT(uv_loop_close(&loop), 0);
	return r;
}

TEST(server_that_cannot_open)
{
	static const char *const addresses[] = {
		"",         "127.0.0.1",       "127.0.0.1:",     ":80",          "localhost:80",
		"1.2.3:80", "127.0.0.1:x",     "127.0.0.1:-1",   "[::1]",        "::1:80",
		"[::1]:1x", "127.0.0.1:65536", "[127.0.0.1]:80", "256.0.0.1:80",
	};
	static const struct http_route bad = {.method = "GET", .pattern = "bad"};
	static const struct http_route upload = {
		.method = "PUT", .pattern = "/", .body = HTTP_BODY_SPOOL};
	struct http_config config = {.limits = http_limits_default()};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		CHECK_MSG(open_status(addresses[i], &config) == ERR_INVALID, "%s", addresses[i]);
	server = http_fixture_start("127.0.0.1:0", test_dir(), NULL);
	CHECK_INT(open_status(http_fixture_address(server), &config), UV_EADDRINUSE);
	CHECK_INT(http_fixture_stop(server), 0);
	config.routes = &bad;
	config.route_count = 1;
	CHECK_INT(open_status("127.0.0.1:0", &config), ERR_INVALID);
	config.routes = &upload;
	CHECK_INT(open_status("127.0.0.1:0", &config), ERR_INVALID);
	config.route_count = 0;
	config.limits.header_ms = 0;
	CHECK_INT(open_status("127.0.0.1:0", &config), ERR_INVALID);
}

TEST(server_on_ipv6)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct timeval patience = {.tv_sec = 20};

	server = http_fixture_start("[::1]:0", test_dir(), NULL);
	if (!CHECK(server != NULL))
		return;
	CHECK(strncmp(http_fixture_address(server), "[::1]:", 6) == 0);
	to.sin6_port = htons((uint16_t)http_fixture_port(server));
	client = (struct client){.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	CHECK_INT(connect(client.fd, (struct sockaddr *)&to, sizeof to), 0);
	CHECK(client_ask(&client, "GET /show/a/vb/c HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", &answer));
	CHECK(strstr(answer.body.data, "\"peer\":\"::1\"") != NULL);
	answer_fini(&answer);
	client_close(&client);
	CHECK_INT(http_fixture_stop(server), 0);
}

/* Every address of the machine, both families: an IPv4 client is shown as one. */
TEST(server_on_all_addresses)
{
	server = http_fixture_start("[::]:0", test_dir(), NULL);
	if (!CHECK(server != NULL))
		return;
	client = client_open(server);
	CHECK(client_ask(&client, "GET /show/a/vb/c HTTP/1.1\r\n" HOST "\r\n", &answer));
	CHECK(strstr(answer.body.data, "\"peer\":\"127.0.0.1\"") != NULL);
	tear_down();
}

TEST(http_1_0_connections)
{
	set_up(NULL);
	CHECK(client_ask(&client, "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Connection"), "keep-alive");
	CHECK(client_ask(&client, "GET /ok HTTP/1.0\r\n\r\n", &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Connection"), "close");
	CHECK(client_ended(&client));
	tear_down();
}

TEST(connection_close_is_honoured)
{
	set_up(NULL);
	CHECK(client_ask(&client, "GET /ok HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
			 &answer));
	CHECK_INT(answer.status, 200);
	CHECK_STR(answer_header(&answer, "Connection"), "close");
	CHECK(client_ended(&client));
	tear_down();
}

TEST(fifty_requests_in_one_piece)
{
	struct buf all = {0};
	char want[40];

	set_up(NULL);
	for (int i = 0; i < 50; i++)
		buf_addf(&all,
			 "GET /show/%d/v/%d HTTP/1.1\r\n" HOST "\r\n"
			 "GET /slow?ms=1 HTTP/1.1\r\n" HOST "\r\n"
			 "GET /show/n%d/v1/x HTTP/1.1\r\n" HOST "\r\n",
			 i, i, i);
	CHECK(client_send(&client, all.data, all.len));
	for (int i = 0; i < 50; i++) {
		CHECK(client_read(&client, false, &answer));
		CHECK_INT(answer.status, 404);
		CHECK(client_read(&client, false, &answer));
		CHECK_STR(answer.body.data, "slow\n");
		CHECK(client_read(&client, false, &answer));
		snprintf(want, sizeof want, "\"a\":\"n%d\"", i);
		CHECK(strstr(answer.body.data, want) != NULL);
	}
	buf_fini(&all);
	tear_down();
}

TEST(connection_ends_after_its_share_of_requests)
{
	struct http_limits limits = http_limits_default();

	limits.pipeline = 3;
	set_up(&limits);
	CHECK(client_sends(&client, OK OK OK OK));
	for (int i = 1; i <= 3; i++) {
		CHECK(client_read(&client, false, &answer));
		CHECK_INT(answer.status, 200);
		CHECK_STR(answer_header(&answer, "Connection"), i == 3 ? "close" : NULL);
	}
	CHECK(client_ended(&client));
	tear_down();
}

TEST(half_closed_clients_get_their_answer)
{
	static const char *const requests[] = {
		OK,
		"GET /slow?ms=100 HTTP/1.1\r\n" HOST "\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
		"PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
		"GET /stream?n=5&size=10 HTTP/1.0\r\n\r\n",
		"GET /big?n=5000000 HTTP/1.1\r\n" HOST "\r\n",
	};

	set_up(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		client_close(&client);
		client = client_open(server);
		CHECK(client_sends(&client, requests[i]));
		shutdown(client.fd, SHUT_WR);
		CHECK_MSG(client_read(&client, false, &answer), "no answer to %s", requests[i]);
		CHECK(answer.status == 200 || answer.status == 201);
		CHECK(client_ended(&client));
	}
	client_close(&client);
	client = client_open(server);
	CHECK(client_sends(&client, OK "GET /slow?ms=50 HTTP/1.1\r\n" HOST "\r\n" OK));
	shutdown(client.fd, SHUT_WR);
	for (int i = 0; i < 3; i++)
		CHECK(client_read(&client, false, &answer));
	CHECK(client_ended(&client));
	tear_down();
}

TEST(handler_learns_that_the_client_has_gone)
{
	set_up(NULL);
	for (int i = 1; i <= 6; i++) {
		struct linger reset = {.l_onoff = 1};

		CHECK(client_sends(&client, "GET /hold HTTP/1.1\r\n" HOST "\r\n"));
		/* With and without further requests that wait. */
		if (i > 3)
			CHECK(client_sends(&client, OK));
		CHECK(http_fixture_wait(server, COUNT_HELD, i));
		if (i % 3 == 1)
			shutdown(client.fd, SHUT_WR);
		else if (i % 3 == 2)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		if (i % 3 != 1)
			client_close(&client);
		CHECK(http_fixture_wait(server, COUNT_GONE, i));
		/* Who has only closed his side can still read what the handler said. */
		if (i % 3 == 1) {
			CHECK(client_read(&client, false, &answer));
			CHECK_INT(answer.status, 404);
		}
		client_close(&client);
		client = client_open(server);
	}
	tear_down();
}

/* The reply comes to a connection that is long gone, many times at once. */
TEST(late_replies_are_harmless)
{
	enum { CLIENTS = 100 };

	set_up(NULL);
	for (int i = 0; i < CLIENTS; i++) {
		struct client c = client_open(server);

		CHECK(client_sends(&c, i % 2 == 0 ? "GET /slow?ms=200 HTTP/1.1\r\n" HOST "\r\n"
						  : "GET /processing?n=100 HTTP/1.1\r\n" HOST
						    "\r\n"));
		client_close(&c);
	}
	CHECK(http_fixture_wait(server, COUNT_DONE, CLIENTS));
	CHECK(connections_become(1));
	tear_down();
}

TEST(clients_leave_in_every_phase)
{
	static const char *const beginnings[] = {
		"",
		"G",
		"GET /ok HTTP/1.1\r\n",
		"GET /ok HTTP/1.1\r\n" HOST,
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
		"PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345",
		"GET /slow?ms=30 HTTP/1.1\r\n" HOST "\r\n",
		"GET /big?n=9000000 HTTP/1.1\r\n" HOST "\r\n",
		"GET /stream?n=1000&size=1000 HTTP/1.1\r\n" HOST "\r\n",
		"GET /nosuch HTTP/1.1\r\n" HOST "\r\n",
		"bad",
		"bad\r\n",
	};

	set_up(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		for (int how = 0; how < 4; how++) {
			struct linger reset = {.l_onoff = 1};
			struct client c = client_open(server);

			CHECK(client_sends(&c, beginnings[i]));
			if (how == 1)
				setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
			if (how >= 2)
				shutdown(c.fd, how == 2 ? SHUT_WR : SHUT_RD);
			if (how == 2)
				while (recv(c.fd, (char[4096]){0}, 4096, 0) > 0)
					;
			client_close(&c);
		}
		CHECK(http_fixture_alive(server));
	}
	CHECK(connections_become(1));
	tear_down();
}

TEST(deadlines)
{
	static const struct {
		const char *begin;
		int status; /* 0: closed without a word */
		const char *detail;
	} cases[] = {
		{"", 0, NULL},
		{OK, 0, NULL},
		{"GET /ok HTTP/1.1\r\nHost:", 408, "header_ms"},
		{"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n123", 408,
		 "body_idle_ms"},
		{"PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n123", 408,
		 "body_idle_ms"},
		{"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1", 408,
		 "body_idle_ms"},
		{OK "GET /ok", 408, "header_ms"},
	};
	struct http_limits limits = http_limits_default();

	limits.header_ms = limits.body_idle_ms = limits.idle_ms = 200;
	set_up(&limits);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		client_close(&client);
		client = client_open(server);
		CHECK(client_sends(&client, cases[i].begin));
		if (strncmp(cases[i].begin, OK, strlen(OK)) == 0)
			CHECK(client_read(&client, false, &answer) && answer.status == 200);
		if (cases[i].status != 0) {
			CHECK(client_read(&client, false, &answer));
			CHECK_INT(answer.status, cases[i].status);
			CHECK_STR(answer_code(&answer), "request-timeout");
			CHECK(strstr(answer.body.data, cases[i].detail) != NULL);
		}
		CHECK(client_ended(&client));
	}
	tear_down();
}

/* Pieces that keep coming do not keep a request alive for ever. */
TEST(slow_requests_end)
{
	struct http_limits limits = http_limits_default();

	limits.header_ms = 300;
	limits.body_ms = 300;
	set_up(&limits);
	CHECK(client_sends(&client, "GET /ok HTTP/1.1\r\n"));
	for (int i = 0; i < 1000; i++) {
		if (!client_sends(&client, "X: y\r\n"))
			break;
		/* Checked before more is sent, or the answer could be lost. */
		if (recv(client.fd, (char[1]){0}, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			break;
		usleep(20000);
	}
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 408);
	client_close(&client);
	client = client_open(server);
	CHECK(client_sends(&client,
			   "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n"));
	for (int i = 0; i < 1000; i++) {
		if (!client_sends(&client, "x"))
			break;
		if (recv(client.fd, (char[1]){0}, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
			break;
		usleep(20000);
	}
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 408);
	CHECK(strstr(answer.body.data, "body_ms") != NULL);
	tear_down();
}

static void
make_file(size_t size)
{
	char *data = xcalloc(1, size), *path = xasprintf("%s/f", test_dir());

	CHECK_INT(file_write(path, data, size, 0600, NULL), 0);
	free(path);
	free(data);
}

TEST(client_that_never_reads)
{
	static const char *const requests[] = {
		"GET /files/f HTTP/1.1\r\n" HOST "\r\n",
		"GET /big?n=20000000 HTTP/1.1\r\n" HOST "\r\n",
		"GET /endless?size=10000 HTTP/1.1\r\n" HOST "\r\n",
		"GET /flood HTTP/1.1\r\n" HOST "\r\n",
	};
	struct http_limits limits = http_limits_default();

	limits.write_idle_ms = 200;
	make_file(20 * 1000 * 1000);
	set_up(&limits);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct client c = client_open(server);
		int small = 64 * 1024;

		/* Or this side's kernel would take all of it in the end. */
		setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		CHECK(client_sends(&c, requests[i]));
		CHECK_MSG(connections_become(1), "%s is still there", requests[i]);
		client_close(&c);
	}
	tear_down();
}

/* Slower than the deadline for a whole socket buffer, but never idle. */
TEST(client_that_reads_slowly)
{
	enum { SIZE = 8 * 1000 * 1000 };
	struct http_limits limits = http_limits_default();
	static char block[100000];
	size_t have = 0;
	ssize_t n = 1;
	int small = 128 * 1024;

	limits.write_idle_ms = 500;
	make_file(SIZE);
	set_up(&limits);
	setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	CHECK(client_sends(&client, "GET /files/f HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
	while (n > 0) {
		n = recv(client.fd, block, sizeof block, 0);
		have += n > 0 ? (size_t)n : 0;
		usleep(have < 3000000 ? 100000 : 0);
	}
	CHECK_INT(n, 0);
	CHECK(have > SIZE);
	tear_down();
}

TEST(connection_cap)
{
	enum { CAP = 20 };
	struct http_limits limits = http_limits_default();
	struct client clients[CAP];

	limits.connections = CAP;
	set_up(&limits);
	client_close(&client);
	CHECK(connections_become(0));
	for (int i = 0; i < CAP; i++) {
		clients[i] = client_open(server);
		CHECK(client_ask(&clients[i], OK, &answer) && answer.status == 200);
	}
	for (int i = 0; i < 3; i++) {
		client = client_open(server);
		CHECK(client_read(&client, false, &answer));
		CHECK_INT(answer.status, 503);
		CHECK_STR(answer_code(&answer), "too-many-connections");
		CHECK(answer_header(&answer, "Retry-After") != NULL);
		CHECK(client_ended(&client));
		client_close(&client);
	}
	/* Those that are in have not been disturbed, and the next gets the place of one who goes. */
	for (int i = 0; i < CAP; i++)
		CHECK(client_ask(&clients[i], OK, &answer) && answer.status == 200);
	client_close(&clients[0]);
	for (int i = 0; i < 1000 && !http_fixture_alive(server); i++)
		usleep(10000);
	for (int i = 1; i < CAP; i++)
		client_close(&clients[i]);
	CHECK(connections_become(0));
	tear_down();
}

TEST(address_cap)
{
	enum { CAP = 5 };
	struct http_limits limits = http_limits_default();
	struct client clients[CAP];

	limits.per_address = CAP;
	set_up(&limits);
	client_close(&client);
	CHECK(connections_become(0));
	for (int i = 0; i < CAP; i++) {
		clients[i] = client_open_from(server, "127.0.0.2");
		CHECK(client_ask(&clients[i], OK, &answer) && answer.status == 200);
	}
	client = client_open_from(server, "127.0.0.2");
	CHECK(client_read(&client, false, &answer));
	CHECK_INT(answer.status, 503);
	client_close(&client);
	/* Others are not concerned. */
	CHECK(http_fixture_alive(server));
	client = client_open_from(server, "127.0.0.3");
	CHECK(client_ask(&client, OK, &answer) && answer.status == 200);
	/* Each place that gets free can be taken again, as often as there are clients. */
	for (int i = 0; i < 4 * CAP; i++) {
		int tries = 0;

		client_close(&clients[i % CAP]);
		do {
			client_close(&clients[i % CAP]);
			clients[i % CAP] = client_open_from(server, "127.0.0.2");
			usleep(tries > 0 ? 10000 : 0);
			client_ask(&clients[i % CAP], OK, &answer);
		} while (answer.status != 200 && ++tries < 1000);
		CHECK_INT(answer.status, 200);
	}
	for (int i = 0; i < CAP; i++)
		client_close(&clients[i]);
	tear_down();
}

/* More than a hundred who are too many at once: all are turned away, none stays. */
TEST(flood_over_the_cap)
{
	enum { FLOOD = 300 };
	struct http_limits limits = http_limits_default();
	struct client *clients = xcalloc(FLOOD, sizeof *clients);

	limits.connections = 2;
	set_up(&limits);
	for (int i = 0; i < FLOOD; i++)
		clients[i] = client_open(server);
	for (int i = 0; i < FLOOD; i++)
		client_close(&clients[i]);
	client_close(&client);
	for (int i = 0; i < 1000 && !http_fixture_alive(server); i++)
		usleep(10000);
	free(clients);
	tear_down();
}

static void
set_descriptors(rlim_t n)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = n < r.rlim_max ? n : r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

TEST(a_thousand_idle_connections)
{
	enum { IDLE = 1000 };
	struct client *clients = xcalloc(IDLE, sizeof *clients);
	struct http_limits limits = http_limits_default();
	int answered = 0;

	set_descriptors(8192);
	limits.per_address = 2000;
	set_up(&limits);
	for (int i = 0; i < IDLE; i++) {
		clients[i] = client_open(server);
		answered += client_ask(&clients[i], OK, &answer) && answer.status == 200;
	}
	CHECK_INT(answered, IDLE);
	CHECK_INT(connections(), IDLE + 1);
	answered = 0;
	for (int i = 0; i < IDLE; i++)
		answered += client_ask(&clients[i], OK, &answer) && answer.status == 200;
	CHECK_INT(answered, IDLE);
	/* Half leave by themselves, the server closes the others. */
	for (int i = 0; i < IDLE / 2; i++)
		client_close(&clients[i]);
	tear_down();
	for (int i = IDLE / 2; i < IDLE; i++) {
		CHECK(client_ended(&clients[i]));
		client_close(&clients[i]);
	}
	free(clients);
}

/* Client and server share this process's descriptors, so both are out of them. Clients that wait to
 * be accepted get their turn, in order, when there are some again. */
TEST(out_of_descriptors)
{
	struct client waiting = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int spare[4], count = 0, fd;

	set_up(NULL);
	to.sin_port = htons((uint16_t)http_fixture_port(server));
	CHECK(client_ask(&client, OK, &answer));
	fd = dup(0);
	set_descriptors((rlim_t)fd + 1);
	close(fd);
	while (count < 4 && (fd = dup(0)) >= 0)
		spare[count++] = fd;
	CHECK(count < 4);
	CHECK_INT(connect(waiting.fd, (struct sockaddr *)&to, sizeof to), 0);
	/* Who was in before is served all the same. */
	for (int i = 0; i < 10; i++)
		CHECK(client_ask(&client, OK, &answer) && answer.status == 200);
	while (count > 0)
		close(spare[--count]);
	set_descriptors(8192);
	CHECK(http_fixture_alive(server));
	client_close(&waiting);
	tear_down();
}

TEST(finished_and_broken_requests_are_counted)
{
	set_up(NULL);
	CHECK(client_ask(&client, OK, &answer));
	CHECK(client_ask(&client, "GET /nosuch HTTP/1.1\r\n" HOST "\r\n", &answer));
	CHECK(client_ask(&client, "HEAD /ok HTTP/1.1\r\n" HOST "\r\n", &answer));
	CHECK(http_fixture_wait(server, COUNT_DONE, 3));
	CHECK_INT(http_fixture_count(server, COUNT_499), 0);
	CHECK(client_sends(&client, "GET /ok HTT"));
	client_close(&client);
	CHECK(http_fixture_wait(server, COUNT_499, 1));
	CHECK_INT(http_fixture_count(server, COUNT_DONE), 4);
	client = client_open(server);
	CHECK(client_ask(&client, "bad request\r\n", &answer));
	CHECK(http_fixture_wait(server, COUNT_DONE, 5));
	/* An idle connection that ends is no request. */
	client_close(&client);
	CHECK(connections_become(0));
	CHECK_INT(http_fixture_count(server, COUNT_499), 1);
	tear_down();
}

TEST(shutdown_lets_replies_end)
{
	enum { KINDS = 4 };
	static const char *const requests[KINDS] = {
		"GET /slow?ms=300 HTTP/1.1\r\n" HOST "\r\n",
		"GET /files/f HTTP/1.1\r\n" HOST "\r\n",
		"GET /big?n=20000000 HTTP/1.1\r\n" HOST "\r\n",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
	};
	struct client clients[KINDS], idle, endless;
	char byte;

	make_file(20 * 1000 * 1000);
	set_up(NULL);
	idle = client_open(server);
	CHECK(client_ask(&idle, OK, &answer));
	endless = client_open(server);
	CHECK(client_sends(&endless, "GET /endless HTTP/1.1\r\n" HOST "\r\n"));
	for (int i = 0; i < KINDS; i++) {
		clients[i] = client_open(server);
		CHECK(client_sends(&clients[i], requests[i]));
	}
	/* Downloads are under way once their first byte is here. */
	CHECK(recv(clients[1].fd, &byte, 1, MSG_PEEK) == 1);
	CHECK(recv(clients[2].fd, &byte, 1, MSG_PEEK) == 1);
	/* … and the upload once it was told to continue. */
	CHECK(recv(clients[3].fd, &byte, 1, MSG_PEEK) == 1);
	CHECK(client_ask(&client, OK, &answer));
	http_fixture_close(server);
	CHECK(client_ended(&idle));
	CHECK(client_ended(&client));
	CHECK(client_read(&endless, false, &answer) && answer.delimited);
	CHECK(client_sends(&clients[3], "hello"));
	for (int i = 0; i < KINDS; i++) {
		CHECK(client_read(&clients[i], false, &answer));
		CHECK_INT(answer.status, 200);
		CHECK(client_ended(&clients[i]));
		client_close(&clients[i]);
	}
	client_close(&idle);
	client_close(&endless);
	client_close(&client);
	answer_fini(&answer);
	CHECK_INT(http_fixture_stop(server), 0);
}

/* Nothing that a client does or leaves undone keeps the server from its end. */
TEST(shutdown_has_an_end)
{
	static const char *const requests[] = {
		"",
		"GET /ok",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n123",
		"PUT /upload HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n123",
		"GET /hold HTTP/1.1\r\n" HOST "\r\n",
		"GET /big?n=20000000 HTTP/1.1\r\n" HOST "\r\n",
		"GET /endless?size=10000&deaf=1 HTTP/1.1\r\n" HOST "\r\n",
		"bad request\r\n",
	};
	struct client clients[ARRAY_SIZE(requests)];
	struct http_limits limits = http_limits_default();

	limits.drain_ms = 300;
	set_up(&limits);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		clients[i] = client_open(server);
		CHECK(client_sends(&clients[i], requests[i]));
	}
	CHECK(http_fixture_wait(server, COUNT_HELD, 2));
	CHECK(http_fixture_alive(server));
	CHECK_INT(http_fixture_stop(server), 0);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		client_close(&clients[i]);
	client_close(&client);
	answer_fini(&answer);
}
