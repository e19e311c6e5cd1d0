#include "api/http/out.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* So that one large download does not keep the loop from the others. */
#define TURN_BYTES (4 * 1024 * 1024)

/* A buffer that one reply made larger than this is not kept for the next. */
#define KEEP_BYTES (64 * 1024)

void
http_out_init(struct http_out *o)
{
	*o = (struct http_out){.fd = -1};
}

static void
recycle(struct buf *b)
{
	b->len = 0;
	if (b->cap > KEEP_BYTES)
		buf_fini(b);
}

void
http_out_reset(struct http_out *o)
{
	recycle(&o->extra);
	recycle(&o->head);
	recycle(&o->body);
	o->head_sent = 0;
	o->body_sent = 0;
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	o->at = 0;
	o->left = 0;
	o->warm = 0;
	o->sent = 0;
}

void
http_out_fini(struct http_out *o)
{
	http_out_reset(o);
	buf_fini(&o->extra);
	buf_fini(&o->head);
	buf_fini(&o->body);
}

size_t
http_out_pending(const struct http_out *o)
{
	return o->head.len - o->head_sent + o->body.len - o->body_sent;
}

static enum out_result
send_failed(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK ? OUT_BLOCKED : OUT_FAILED;
}

/* What is left of a buffer, which has no memory before something was put there. */
static struct iovec
rest_of(const struct buf *b, size_t sent)
{
	return (struct iovec){b->len > sent ? b->data + sent : NULL, b->len - sent};
}

/* Header and body in one call; MSG_MORE lets the first bytes of a file share its last segment. */
static enum out_result
send_memory(struct http_out *o, int socket)
{
	while (http_out_pending(o) > 0) {
		struct iovec v[2] = {rest_of(&o->head, o->head_sent),
				     rest_of(&o->body, o->body_sent)};
		struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
		ssize_t n;
		size_t head;

		if (v[0].iov_len == 0) {
			m.msg_iov++;
			m.msg_iovlen--;
		}
		n = sendmsg(socket, &m, MSG_NOSIGNAL | (o->left > 0 ? MSG_MORE : 0));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return send_failed();
		o->sent += (uint64_t)n;
		head = (size_t)n < v[0].iov_len ? (size_t)n : v[0].iov_len;
		o->head_sent += head;
		o->body_sent += (size_t)n - head;
	}
	o->head.len = o->head_sent = 0;
	o->body.len = o->body_sent = 0;
	return OUT_DONE;
}

static size_t
piece_of(const struct http_out *o)
{
	return o->left < OUT_PIECE ? (size_t)o->left : OUT_PIECE;
}

/* Whether a byte of the file is in the page cache; file systems that cannot tell count as yes. */
static bool
is_cached(int fd, uint64_t at)
{
	char byte;
	struct iovec v = {&byte, 1};

	return preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static enum out_result
send_file(struct http_out *o, int socket)
{
	uint64_t turn = 0;

	while (o->left > 0) {
		size_t want = piece_of(o);
		off_t at = (off_t)o->at;
		ssize_t n;

		if (turn >= TURN_BYTES)
			return OUT_BLOCKED;
		if (o->at + want > o->warm) {
			if (!is_cached(o->fd, o->at) || !is_cached(o->fd, o->at + want - 1))
				return OUT_COLD;
			o->warm = o->at + want;
		}
		n = sendfile(socket, o->fd, &at, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return send_failed();
		/* The file is shorter than it was: a cut connection is the only honest answer. */
		if (n == 0)
			return OUT_FAILED;
		o->at += (uint64_t)n;
		o->left -= (uint64_t)n;
		o->sent += (uint64_t)n;
		turn += (uint64_t)n;
	}
	return OUT_DONE;
}

enum out_result
http_out_send(struct http_out *o, int socket)
{
	enum out_result r = send_memory(o, socket);

	return r == OUT_DONE ? send_file(o, socket) : r;
}

void
http_out_load(struct http_out *o)
{
	char block[64 * 1024];
	uint64_t at = o->at, end = o->at + piece_of(o);

	while (at < end) {
		size_t want = end - at < sizeof block ? (size_t)(end - at) : sizeof block;
		ssize_t n = pread(o->fd, block, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		/* sendfile will meet the same end or error and report it. */
		if (n <= 0)
			break;
		at += (uint64_t)n;
	}
	o->warm = end;
}
