/*
 * Random bytes: getrandom and getentropy exist since glibc 2.25, the arc4random family since 2.36.
 * Linux before 3.17 has no such system call either; /dev/urandom is there.
 */
#include "compat.h"
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

#if FLOOR < 36

extern long syscall(long, ...);
extern void abort(void) __attribute__((noreturn));
extern int open(const char *, int, ...);
extern long read(int, void *, size_t);
extern int close(int);

HIDDEN long getrandom(void *, size_t, unsigned);
HIDDEN int getentropy(void *, size_t);
HIDDEN unsigned arc4random(void);
HIDDEN void arc4random_buf(void *, size_t);
HIDDEN unsigned arc4random_uniform(unsigned);

/* O_CLOEXEC has this value on every architecture that we build for. */
#define CLOSE_ON_EXEC 02000000

static long
urandom(void *bytes, size_t size)
{
	int fd = open("/dev/urandom", CLOSE_ON_EXEC);
	long count;

	if (fd < 0)
		return -1;
	count = read(fd, bytes, size);
	close(fd);
	return count;
}

static int
fill(char *bytes, size_t size)
{
	while (size > 0) {
		long count = syscall(SYS_getrandom, bytes, size, 0);

		if (count < 0 && errno == ENOSYS)
			count = urandom(bytes, size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return -1;
		bytes += count;
		size -= (size_t)count;
	}
	return 0;
}

#if FLOOR < 25

HIDDEN long
getrandom(void *bytes, size_t size, unsigned flags)
{
	return syscall(SYS_getrandom, bytes, size, flags);
}

HIDDEN int
getentropy(void *bytes, size_t size)
{
	/* The documented limit. */
	if (size > 256) {
		errno = EIO;
		return -1;
	}
	return fill(bytes, size);
}

#endif

/* The arc4random functions cannot fail; without random bytes there is no way to go on. */
HIDDEN void
arc4random_buf(void *bytes, size_t size)
{
	if (fill(bytes, size) != 0)
		abort();
}

HIDDEN unsigned
arc4random(void)
{
	unsigned value;

	arc4random_buf(&value, sizeof(value));
	return value;
}

HIDDEN unsigned
arc4random_uniform(unsigned limit)
{
	unsigned value, least;

	if (limit < 2)
		return 0;
	/* Values below 2^32 mod limit would make some results more likely. */
	least = -limit % limit;
	do
		value = arc4random();
	while (value < least);
	return value % limit;
}

#endif
