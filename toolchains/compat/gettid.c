/* gettid exists since glibc 2.30. */
#include "compat.h"
#include <sys/syscall.h>

#if FLOOR < 30

extern long syscall(long, ...);

HIDDEN int gettid(void);

HIDDEN int
gettid(void)
{
	return (int)syscall(SYS_gettid);
}

#endif
