/*
 * stat and its relatives are functions of the shared library since glibc 2.33. Before, they were in
 * libc_nonshared.a and called __xstat with the version of struct stat that the program knows.
 */
#include "compat.h"

#if FLOOR < 33

/* _STAT_VER of glibc's bits/stat.h */
#if defined(__x86_64__) || defined(__powerpc64__) || defined(__s390x__)
#define STAT_VERSION 1
#elif defined(__i386__) || defined(__arm__)
#define STAT_VERSION 3
#else
#define STAT_VERSION 0
#endif

/* Only passed through, so that struct stat and struct stat64 need not be known. */
struct any;

extern int __xstat(int, const char *, struct any *);
extern int __fxstat(int, int, struct any *);
extern int __lxstat(int, const char *, struct any *);
extern int __fxstatat(int, int, const char *, struct any *, int);
extern int __xstat64(int, const char *, struct any *);
extern int __fxstat64(int, int, struct any *);
extern int __lxstat64(int, const char *, struct any *);
extern int __fxstatat64(int, int, const char *, struct any *, int);

HIDDEN int stat(const char *, struct any *);
HIDDEN int fstat(int, struct any *);
HIDDEN int lstat(const char *, struct any *);
HIDDEN int fstatat(int, const char *, struct any *, int);
HIDDEN int stat64(const char *, struct any *);
HIDDEN int fstat64(int, struct any *);
HIDDEN int lstat64(const char *, struct any *);
HIDDEN int fstatat64(int, const char *, struct any *, int);

HIDDEN int
stat(const char *path, struct any *result)
{
	return __xstat(STAT_VERSION, path, result);
}

HIDDEN int
fstat(int fd, struct any *result)
{
	return __fxstat(STAT_VERSION, fd, result);
}

HIDDEN int
lstat(const char *path, struct any *result)
{
	return __lxstat(STAT_VERSION, path, result);
}

HIDDEN int
fstatat(int fd, const char *path, struct any *result, int flags)
{
	return __fxstatat(STAT_VERSION, fd, path, result, flags);
}

HIDDEN int
stat64(const char *path, struct any *result)
{
	return __xstat64(STAT_VERSION, path, result);
}

HIDDEN int
fstat64(int fd, struct any *result)
{
	return __fxstat64(STAT_VERSION, fd, result);
}

HIDDEN int
lstat64(const char *path, struct any *result)
{
	return __lxstat64(STAT_VERSION, path, result);
}

HIDDEN int
fstatat64(int fd, const char *path, struct any *result, int flags)
{
	return __fxstatat64(STAT_VERSION, fd, path, result, flags);
}

#endif
