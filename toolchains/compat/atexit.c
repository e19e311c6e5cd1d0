/*
 * atexit, at_quick_exit and pthread_atfork are in libc_nonshared.a, because they must say which
 * shared object they are called from.
 */
#include "compat.h"

extern int __cxa_atexit(void (*)(void *), void *, void *);
extern int __cxa_at_quick_exit(void (*)(void *), void *);
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);

HIDDEN int atexit(void (*)(void));
HIDDEN int at_quick_exit(void (*)(void));
HIDDEN int pthread_atfork(void (*)(void), void (*)(void), void (*)(void));

HIDDEN int
atexit(void (*function)(void))
{
	return __cxa_atexit((void (*)(void *))(void *)function, 0, &__dso_handle);
}

HIDDEN int
at_quick_exit(void (*function)(void))
{
	return __cxa_at_quick_exit((void (*)(void *))(void *)function, &__dso_handle);
}

HIDDEN int
pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	return __register_atfork(prepare, parent, child, &__dso_handle);
}
