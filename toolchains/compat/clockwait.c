/*
 * Waiting with a choice of clock exists since glibc 2.30. Debian's libstdc++.a and configured
 * packages call it. Here the deadline is carried over to the clock that the older functions use.
 */
#define _GNU_SOURCE 1
#include "compat.h"
#include <pthread.h>
#include <time.h>

#if FLOOR < 30

HIDDEN int
pthread_cond_clockwait(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
HIDDEN int pthread_mutex_clocklock(pthread_mutex_t *, clockid_t, const struct timespec *);
HIDDEN int pthread_rwlock_clockrdlock(pthread_rwlock_t *, clockid_t, const struct timespec *);
HIDDEN int pthread_rwlock_clockwrlock(pthread_rwlock_t *, clockid_t, const struct timespec *);

/* The moment DEADLINE of CLOCK, as a time of CLOCK_REALTIME. */
static struct timespec
real_time(clockid_t clock, const struct timespec *deadline)
{
	struct timespec real = *deadline, now, real_now;

	if (clock == CLOCK_REALTIME)
		return real;
	clock_gettime(clock, &now);
	clock_gettime(CLOCK_REALTIME, &real_now);
	real.tv_sec = real_now.tv_sec + (deadline->tv_sec - now.tv_sec);
	real.tv_nsec = real_now.tv_nsec + (deadline->tv_nsec - now.tv_nsec);
	if (real.tv_nsec < 0) {
		real.tv_nsec += 1000000000;
		real.tv_sec--;
	} else if (real.tv_nsec >= 1000000000) {
		real.tv_nsec -= 1000000000;
		real.tv_sec++;
	}
	if (real.tv_sec < 0)
		real = (struct timespec){0};
	return real;
}

HIDDEN int
pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
		       const struct timespec *deadline)
{
	struct timespec real = real_time(clock, deadline);

	return pthread_cond_timedwait(condition, mutex, &real);
}

HIDDEN int
pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
	struct timespec real = real_time(clock, deadline);

	return pthread_mutex_timedlock(mutex, &real);
}

HIDDEN int
pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *deadline)
{
	struct timespec real = real_time(clock, deadline);

	return pthread_rwlock_timedrdlock(lock, &real);
}

HIDDEN int
pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *deadline)
{
	struct timespec real = real_time(clock, deadline);

	return pthread_rwlock_timedwrlock(lock, &real);
}

#endif
