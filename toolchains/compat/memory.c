/* explicit_bzero exists since glibc 2.25, reallocarray since 2.26. */
#include "compat.h"
#include <errno.h>
#include <stddef.h>

extern void *realloc(void *, size_t);

#if FLOOR < 25

HIDDEN void explicit_bzero(void *, size_t);

HIDDEN void
explicit_bzero(void *bytes, size_t size)
{
	__builtin_memset(bytes, 0, size);
	/* The compiler must believe that somebody reads the zeroes. */
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

#endif

#if FLOOR < 26

HIDDEN void *reallocarray(void *, size_t, size_t);

HIDDEN void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return 0;
	}
	return realloc(old, total);
}

#endif
