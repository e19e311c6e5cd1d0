/*
 * Functions that newer glibc headers, or code that was configured against a newer glibc, call, and
 * that the floor's glibc does not have (or has only in libc_nonshared.a, which we do not link).
 *
 * The files are compiled for the target, each into its own object of libglibc_compat.a, so an addon
 * gets only what it uses. All symbols are hidden: an addon's copy never stands in for the C library
 * of the process. FLOOR is the minor number of the oldest glibc, 17 for 2.17. No file includes a
 * header that declares what it defines, because those declarations are not hidden.
 */
#ifndef COMPAT_H
#define COMPAT_H

#define HIDDEN __attribute__((visibility("hidden")))

/* Identifies the addon; the C library runs what it registered when the addon is unloaded. */
extern void *__dso_handle HIDDEN;

#endif
