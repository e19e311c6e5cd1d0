/* A connection that goes to another process. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "api/http/conn.h"
#include "api/http/server.h"

#define ROOM_MS 100

/* Many at once fill the socket, which the other side empties within a moment, unless it stands still. */
static bool
has_room(int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLOUT};

	return poll(&p, 1, ROOM_MS) == 1 && (p.revents & POLLOUT) != 0;
}

int
http_give(const struct http_request *r, int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {.iov_base = r->raw.data, .iov_len = r->raw.len};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &r->conn->fd, sizeof(int));
	do
		n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && (errno == EINTR || (errno == EAGAIN && has_room(socket))));
	return n < 0 ? -errno : 0;
}
