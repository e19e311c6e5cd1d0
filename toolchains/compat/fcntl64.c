/* fcntl64 exists since glibc 2.28; with _FILE_OFFSET_BITS=64 the headers call it for fcntl. */
#include "compat.h"
#include <stdarg.h>

#if FLOOR < 28

extern int fcntl(int, int, ...);

HIDDEN int fcntl64(int fd, int command, ...);

HIDDEN int
fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	/* An int argument arrives the same way on every ABI that we build for. */
	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fcntl(fd, command, argument);
}

#endif
