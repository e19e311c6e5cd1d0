#include "builder/sandbox/sandbox.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "builder/base/buf.h"
#include "builder/base/mem.h"
#include "builder/loop/child.h"
#include "tests/lib/test.h"

static char *
joined(const struct strv *v)
{
	struct buf b = {0};

	for (size_t i = 0; i < v->n; i++)
		buf_addf(&b, "%s%s", i > 0 ? " " : "", v->at[i]);
	return buf_take(&b);
}

TEST(the_command_line_is_what_the_data_says)
{
	struct sandbox s = {
		.root = "/root-fs",
		.cwd = "/work/src",
		.limits = {.cpu_seconds = 10,
			   .address_space = 1000,
			   .file_size = 2000,
			   .processes = 30,
			   .open_files = 40,
			   .tmp_size = 5000},
	};
	struct strv env = {0}, argv = {0}, out = {0};
	char *text;

	sandbox_mount(&s, "/host/work", "/work", true);
	sandbox_mount(&s, "/host/tc", "/toolchain", false);
	sandbox_mount(&s, NULL, "/etc", false);
	strv_add(&env, "A=b=c");
	strv_add(&argv, "true");
	sandbox_argv(&s, &env, &argv, &out);
	text = joined(&out);
	CHECK_STR(text, "prlimit --cpu=10 --as=1000 --fsize=2000 --nofile=40 --core=0 -- bwrap "
			"--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup "
			"--die-with-parent --new-session --hostname build --clearenv --unshare-net "
			"--ro-bind /root-fs / --proc /proc --dev /dev --size 5000 --tmpfs /tmp "
			"--bind /host/work /work --ro-bind /host/tc /toolchain --tmpfs /etc "
			"--setenv A b=c --seccomp 3 --chdir /work/src -- "
			"/bin/sh -c ulimit -p \"$0\" && exec \"$@\" 30 true");
	free(text);
	strv_fini(&out);
	s.network = true;
	sandbox_argv(&s, &env, &argv, &out);
	CHECK(!strv_has(&out, "--unshare-net"));
	strv_fini(&out);
	strv_fini(&env);
	strv_fini(&argv);
}

/* ---- for real, in the assembled root ---- */

struct outcome {
	struct buf output;
	struct child_result result;
	int ends;
};

static void
on_output(const char *data, size_t len, void *arg)
{
	struct outcome *o = arg;

	buf_add(&o->output, data, len);
}

static void
on_end(const struct child_result *result, void *arg)
{
	struct outcome *o = arg;

	o->result = *result;
	o->ends++;
}

static int
run(const struct child_options *options)
{
	struct child *c = NULL;
	uv_loop_t loop;
	int r;

	uv_loop_init(&loop);
	r = child_start(&loop, options, &c);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	return r;
}

static char *
find_root(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *pattern = xdg != NULL && xdg[0] != '\0'
				? xasprintf("%s/prebuildd/toolchains/components/root-*", xdg)
				: xasprintf("%s/.cache/prebuildd/toolchains/components/root-*",
					    home != NULL ? home : "");
	char *found = NULL;
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0)
		found = xstrdup(g.gl_pathv[0]);
	CHECK_MSG(found != NULL, "no toolchain root; run: build/prebuildctl toolchain assemble "
				 "x86_64-linux-gnu");
	globfree(&g);
	free(pattern);
	return found;
}

/* Runs a shell line in the sandbox with a writable /work; the output is the caller's to free. */
static char *
shell(const char *line, int64_t *status)
{
	struct sandbox s = {
		.cwd = "/work",
		.limits = {.cpu_seconds = 20,
			   .address_space = 4ull << 30,
			   .file_size = 1 << 20,
			   .processes = 50,
			   .open_files = 64,
			   .tmp_size = 1 << 20},
	};
	struct strv env = {0}, argv = {0}, out = {0};
	char *root = find_root();
	struct outcome o = {0};
	struct err e = {0};
	int fd = -1;

	*status = -1;
	if (root == NULL)
		return xstrdup("");
	s.root = root;
	sandbox_mount(&s, test_dir(), "/work", true);
	strv_add(&env, "PATH=/usr/bin");
	strv_add(&argv, "/bin/sh");
	strv_add(&argv, "-c");
	strv_add(&argv, line);
	sandbox_argv(&s, &env, &argv, &out);
	CHECK_INT(sandbox_seccomp(false, &fd, &e), 0);
	CHECK_INT(run(&(struct child_options){.argv = out.at,
					      .seccomp_fd = fd,
					      .timeout_ms = 60000,
					      .output_max = 1 << 20,
					      .on_output = on_output,
					      .on_end = on_end,
					      .arg = &o}),
		  0);
	close(fd);
	strv_fini(&env);
	strv_fini(&argv);
	strv_fini(&out);
	free(root);
	*status = o.result.status;
	return buf_take(&o.output);
}

TEST(what_is_inside_and_what_is_not)
{
	static const struct {
		const char *line, *says; /* says: expected somewhere in the output */
	} cases[] = {
		{"echo hello", "hello"},
		{"env | sort | tr '\\n' ' '", "PATH=/usr/bin PWD=/work"},
		{"cat /etc/shadow 2>&1", "No such file"},
		{"ls /home | wc -l", "0"},
		{"touch /usr/x 2>&1", "Read-only file system"},
		{"touch /work/y && echo made", "made"},
		{"echo $$", "2"},
		{"python3 -c 'import socket; socket.socket()' 2>&1", "not permitted"},
		{"python3 -c 'import socket; socket.socketpair(); print(\"fine\")' 2>&1", "fine"},
		{"python3 -c 'import ctypes; print(ctypes.CDLL(None, use_errno=True).unshare("
		 "0x10000000), ctypes.get_errno())' 2>&1",
		 "-1 1"},
		{"python3 -c 'import ctypes; print(ctypes.CDLL(None, use_errno=True).ptrace("
		 "0, 0, 0, 0), ctypes.get_errno())' 2>&1",
		 "-1 1"},
		{"head -c 2M /dev/zero > /work/big; echo $?", "153"},
		{"i=0; while head -c 500000 /dev/zero > /tmp/f$i; do i=$((i+1)); done 2>&1; echo $i",
		 "No space left"},
		{"python3 -c 'import os, time\n"
		 "n = 0\n"
		 "try:\n"
		 " while n < 200:\n"
		 "  if os.fork() == 0: time.sleep(5); os._exit(0)\n"
		 "  n += 1\n"
		 "except OSError as e: print(e)' 2>&1",
		 NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t status;
		char *out = shell(cases[i].line, &status);
		const char *says = cases[i].says;

		/* Root is exempt from RLIMIT_NPROC; the worker is never root. */
		if (says == NULL)
			says = geteuid() == 0 ? "" : "temporarily unavailable";
		CHECK_MSG(strstr(out, says) != NULL, "%s: \"%s\" does not say \"%s\"",
			  cases[i].line, out, says);
		free(out);
	}
}

/* ---- child ---- */

static char *const hang[] = {"sh", "-c", "sleep 1000 & sleep 1000", NULL};
static char *const loud[] = {"sh", "-c", "while :; do echo xxxxxxxxxxxxxxxx; done", NULL};
static char *const orderly[] = {"sh", "-c", "echo a; echo b >&2; echo c; exit 7", NULL};
static char *const holder[] = {"sh", "-c", "sleep 1000 & echo left", NULL};
static char *const missing[] = {"/no/such/program", NULL};

static struct outcome
run_child(char *const *argv, uint64_t timeout_ms, int want)
{
	struct outcome o = {0};

	CHECK_INT(run(&(struct child_options){.argv = argv,
					      .seccomp_fd = -1,
					      .timeout_ms = timeout_ms,
					      .output_max = 100000,
					      .on_output = on_output,
					      .on_end = on_end,
					      .arg = &o}),
		  want);
	CHECK_INT(o.ends, want == 0 ? 1 : 0);
	return o;
}

TEST(a_child_ends_once_whatever_it_does)
{
	struct outcome o = run_child(orderly, 0, 0);

	CHECK_STR(o.output.data, "a\nb\nc\n");
	CHECK_INT(o.result.status, 7);
	buf_fini(&o.output);
	o = run_child(hang, 200, 0);
	CHECK_STR(o.result.reason, "timeout");
	buf_fini(&o.output);
	o = run_child(loud, 0, 0);
	CHECK_STR(o.result.reason, "output limit");
	buf_fini(&o.output);
	/* A grandchild that keeps the pipe open does not keep us. */
	o = run_child(holder, 0, 0);
	CHECK_STR(o.output.data, "left\n");
	CHECK_INT(o.result.status, 0);
	buf_fini(&o.output);
	o = run_child(missing, 0, UV_ENOENT);
	buf_fini(&o.output);
}
