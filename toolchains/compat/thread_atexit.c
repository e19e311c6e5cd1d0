/*
 * __cxa_thread_atexit_impl runs destructors of thread-local objects; it exists since glibc 2.18.
 * Debian's libstdc++.a refers to it strongly. (libc++abi's reference is weak: it does not pull this
 * file in, and has a fallback of its own.) The real one is used where the process has it.
 */
#define _GNU_SOURCE 1
#include "compat.h"

#if FLOOR < 18

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

typedef void (*destructor)(void *);

struct object {
	destructor destroy;
	void *object;
	struct object *next;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t objects;
static int (*real)(destructor, void *, void *);

HIDDEN int __cxa_thread_atexit_impl(destructor, void *, void *);

/* The last one made is destroyed first. A destructor may make further objects. */
static void
destroy_objects(void *first)
{
	struct object *object = first;

	while (object != NULL) {
		pthread_setspecific(objects, object->next);
		object->destroy(object->object);
		free(object);
		object = pthread_getspecific(objects);
	}
}

static void
choose(void)
{
	real = (int (*)(destructor, void *, void *))dlsym(RTLD_DEFAULT, "__cxa_thread_atexit_impl");
	if (real == NULL)
		pthread_key_create(&objects, destroy_objects);
}

HIDDEN int
__cxa_thread_atexit_impl(destructor destroy, void *instance, void *dso)
{
	struct object *object;

	pthread_once(&once, choose);
	if (real != NULL)
		return real(destroy, instance, dso);
	object = malloc(sizeof(*object));
	if (object == NULL)
		return -1;
	*object = (struct object){
		.destroy = destroy,
		.object = instance,
		.next = pthread_getspecific(objects),
	};
	pthread_setspecific(objects, object);
	return 0;
}

#endif
