#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "builder/base/mem.h"
#include "builder/sandbox/sandbox.h"

/* What the C library does for memory, output, time and the end. */
static const int allowed[] = {
	SCMP_SYS(brk),          SCMP_SYS(clock_gettime), SCMP_SYS(close),
	SCMP_SYS(exit),         SCMP_SYS(exit_group),    SCMP_SYS(fstat),
	SCMP_SYS(futex),        SCMP_SYS(getrandom),     SCMP_SYS(lseek),
	SCMP_SYS(madvise),      SCMP_SYS(mmap),          SCMP_SYS(mprotect),
	SCMP_SYS(mremap),       SCMP_SYS(munmap),        SCMP_SYS(newfstatat),
	SCMP_SYS(read),         SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(write),         SCMP_SYS(writev),
};

static int
limit(int what, uint64_t value)
{
	struct rlimit r = {.rlim_cur = value, .rlim_max = value};

	return setrlimit((__rlimit_resource_t)what, &r) == 0 ? 0 : -errno;
}

int
sandbox_confine_self(uint64_t memory, unsigned cpu_seconds, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = limit(RLIMIT_AS, memory);
	if (r == 0)
		r = limit(RLIMIT_CPU, cpu_seconds);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0)
		r = seccomp_load(ctx); /* sets no_new_privs */
	seccomp_release(ctx);
	return r == 0 ? 0 : err_sys(e, r, "confine the process");
}
