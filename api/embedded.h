/*
 * embedded.h - the worker that `serve` starts beside itself: a child process that speaks the same
 * HTTP protocol as a worker on another machine. It is started again when it dies.
 */
#ifndef API_EMBEDDED_H
#define API_EMBEDDED_H

struct uv_loop_s;
struct embedded;

struct embedded_config {
	char *const *argv; /* argv[0] is the program; must outlive the worker */
	/* On the loop, after the child with this pid has gone. */
	void (*on_exit)(int pid, void *data);
	void *data;
};

struct embedded *embedded_start(struct uv_loop_s *loop, const struct embedded_config *config);

/* SIGTERM, and SIGKILL after grace_ms; stopped is called exactly once, on the loop, when the child
 * has gone and everything is freed. */
void embedded_stop(struct embedded *w, unsigned grace_ms, void (*stopped)(void *), void *data);

#endif
