#include "builder/source/git_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/errors.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "builder/base/mem.h"
#include "builder/model/git_hosts.h"

struct connection {
	git_stream stream; /* first: libgit2 hands it back */
	char *host, *port;
	int fd;
};

/* libgit2 has no place for the caller's data in what it calls to connect. */
static const char *allowed;
static char refused_host[256];

static int
failed(const char *text)
{
	git_error_set_str(GIT_ERROR_NET, text);
	return -1;
}

static bool
is_proxy(const char *host)
{
	static const char *const variables[] = {"https_proxy", "http_proxy", "HTTPS_PROXY",
						"HTTP_PROXY"};
	size_t len = strlen(host);

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *url = getenv(variables[i]), *at;

		if (url == NULL)
			continue;
		at = strstr(url, "://") != NULL ? strstr(url, "://") + 3 : url;
		if (memchr(at, '@', strcspn(at, "/")) != NULL)
			at = strchr(at, '@') + 1;
		if (strncasecmp(at, host, len) == 0 && strchr(":/", at[len]) != NULL)
			return true;
	}
	return false;
}

/* 0, or -1 with errno. */
static int
connect_in_time(int fd, const struct addrinfo *a)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof error;

	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	if (poll(&p, 1, GIT_CONNECT_SECONDS * 1000) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		errno = error != 0 ? error : errno;
		return -1;
	}
	return 0;
}

static int
open_socket(const struct addrinfo *a)
{
	const struct timeval silent = {.tv_sec = GIT_SILENT_SECONDS};
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), flags;

	if (fd < 0)
		return -1;
	if (connect_in_time(fd, a) != 0 || (flags = fcntl(fd, F_GETFL)) < 0 ||
	    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silent, sizeof silent) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silent, sizeof silent) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
on_connect(git_stream *stream)
{
	struct connection *c = (struct connection *)stream;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	int refused = 0;

	if (getaddrinfo(c->host, c->port, &hints, &all) != 0)
		return failed("the host's name could not be resolved");
	for (const struct addrinfo *a = all; a != NULL && c->fd < 0; a = a->ai_next) {
		if (is_proxy(c->host) ||
		    git_hosts_allow_address(allowed, c->host, c->port, a->ai_addr))
			c->fd = open_socket(a);
		else
			refused++;
	}
	freeaddrinfo(all);
	if (c->fd >= 0)
		return 0;
	if (refused > 0) {
		snprintf(refused_host, sizeof refused_host, "%s", c->host);
		return failed("the host's address is not allowed");
	}
	return failed("the host could not be connected to");
}

static ssize_t
on_read(git_stream *stream, void *data, size_t len)
{
	ssize_t n;

	do {
		n = recv(((struct connection *)stream)->fd, data, len, 0);
	} while (n < 0 && errno == EINTR);
	return n >= 0 ? n : failed("the connection failed, or was silent for too long");
}

static ssize_t
on_write(git_stream *stream, const char *data, size_t len, int flags)
{
	ssize_t n;

	(void)flags;
	do {
		n = send(((struct connection *)stream)->fd, data, len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n >= 0 ? n : failed("the connection failed, or was silent for too long");
}

static int
on_close(git_stream *stream)
{
	struct connection *c = (struct connection *)stream;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	return 0;
}

static void
on_free(git_stream *stream)
{
	struct connection *c = (struct connection *)stream;

	on_close(stream);
	free(c->host);
	free(c->port);
	free(c);
}

static int
on_new(git_stream **out, const char *host, const char *port)
{
	struct connection *c = xcalloc(1, sizeof *c);

	c->stream = (git_stream){.version = GIT_STREAM_VERSION,
				 .connect = on_connect,
				 .read = on_read,
				 .write = on_write,
				 .close = on_close,
				 .free = on_free};
	c->host = xstrdup(host);
	c->port = xstrdup(port);
	c->fd = -1;
	*out = &c->stream;
	return 0;
}

int
git_socket_register(const char *list, struct err *e)
{
	git_stream_registration plain = {.version = GIT_STREAM_VERSION, .init = on_new};

	allowed = list;
	refused_host[0] = '\0';
	if (git_stream_register(GIT_STREAM_STANDARD, &plain) != 0)
		return err_set(e, ERR_INTERNAL, "libgit2 does not take our sockets");
	return 0;
}

int
git_socket_refused(struct err *e)
{
	if (refused_host[0] == '\0')
		return 0;
	return err_set(e, ERR_FORBIDDEN,
		       "%s: its address is not of the public internet; only the worker's operator "
		       "can allow it, with --git-hosts",
		       refused_host);
}
