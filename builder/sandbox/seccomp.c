#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "builder/base/mem.h"
#include "builder/sandbox/sandbox.h"

/* What neither a compiler nor Node needs, and what has been a way out of sandboxes before. */
static const char *const refused[] = {
	"acct",
	"add_key",
	"bpf",
	"delete_module",
	"fanotify_init",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mount",
	"mount_setattr",
	"move_mount",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"personality",
	"pidfd_getfd",
	"pivot_root",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"quotactl",
	"reboot",
	"request_key",
	"setns",
	"settimeofday",
	"swapoff",
	"swapon",
	"syslog",
	"umount2",
	"unshare",
	"userfaultfd",
	"vhangup",
};

static int
add_sockets(scmp_filter_ctx ctx, bool network)
{
	if (network)
		return 0;
	/* AF_UNIX stays: Node's own child processes talk over socket pairs. */
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
}

static int
add_rules(scmp_filter_ctx ctx, bool network)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i]);

		if (nr != __NR_SCMP_ERROR)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	/* clone3 hides its flags behind a pointer: without it the C library falls back to clone,
	 * whose flags can be looked at. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	/* Pushing characters into a terminal's input is never part of a build. */
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, 0x5412 /* TIOCSTI */));
	return r == 0 ? add_sockets(ctx, network) : r;
}

int
sandbox_seccomp(bool network, int *fd, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL)
		return err_set(e, ERR_INTERNAL, "seccomp_init failed");
	*fd = memfd_create("seccomp", MFD_CLOEXEC);
	r = *fd < 0 ? -errno : add_rules(ctx, network);
	if (r == 0)
		r = seccomp_export_bpf(ctx, *fd);
	if (r == 0 && lseek(*fd, 0, SEEK_SET) < 0)
		r = -errno;
	seccomp_release(ctx);
	if (r != 0 && *fd >= 0)
		close(*fd);
	return r == 0 ? 0 : err_sys(e, r, "make the seccomp filter");
}
