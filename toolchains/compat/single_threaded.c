/*
 * __libc_single_threaded exists since glibc 2.32. Debian's libstdc++.a reads it to leave out atomic
 * operations; false is always a correct answer.
 */
#include "compat.h"

#if FLOOR < 32

extern char __libc_single_threaded HIDDEN;
char __libc_single_threaded = 0;

#endif
