/*
 * embedded.h - a process that `serve` starts beside itself, and again when it dies: the worker, which speaks the
 * same HTTP protocol as one on another machine, and those that serve beside the first (front.h).
 */
#ifndef API_EMBEDDED_H
#define API_EMBEDDED_H

#include <stdbool.h>

struct uv_loop_s;
struct embedded;

struct embedded_config {
	const char *what;  /* for the log */
	char *const *argv; /* argv[0] is the program; must outlive the child */
	int fds[2];        /* what it gets as descriptors 3 and 4 … */
	unsigned fd_count; /* … if it gets any */
	bool trusted; /* it gets the passwords of database and store that are in our environment, too */
	/* On the loop, after the child with this pid has gone. */
	void (*on_exit)(int pid, void *data);
	void *data;
};

struct embedded *embedded_start(struct uv_loop_s *loop, const struct embedded_config *config);

/* SIGTERM, and SIGKILL after grace_ms; stopped is called exactly once, on the loop, when the child
 * has gone and everything is freed. */
void embedded_stop(struct embedded *w, unsigned grace_ms, void (*stopped)(void *), void *data);

#endif
