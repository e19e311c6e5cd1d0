/*
 * prebuildctl.c - the program for people and for CI.
 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/base/version.h"
#include "builder/cli/ctl.h"

static const struct {
	const char *name, *text;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"build", "request a build and follow it to the end", ctl_build},
	{"status", "a build, or the newest builds", ctl_status},
	{"logs", "the log of a job", ctl_logs},
	{"cancel", "cancel a build", ctl_cancel},
	{"fetch", "download a prebuild and verify digest and signature", ctl_fetch},
	{"check", "say what .node files are and where they run", ctl_check},
	{"publish", "hand in an addon that was built elsewhere", ctl_publish},
	{"verify", "verify the signature and provenance of a file", ctl_verify},
	{"targets", "what can be built", ctl_targets},
	{"matrix", "what there is of a package, and what has loaded it", ctl_matrix},
	{"export", "addons of the service into one file", ctl_export},
	{"import", "hand in what another service exported", ctl_import},
	{"gc", "remove what is old, or too much, or of no use", ctl_gc},
	{"token", "make, list, revoke the service's tokens", ctl_token},
	{"toolchain", "assemble, list, verify toolchains", ctl_toolchain},
};

static void
usage(FILE *to)
{
	fputs("usage: prebuildctl COMMAND [ARGUMENT…] [FLAG…]\n\ncommands:\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].text);
	fputs("\n`prebuildctl COMMAND --help` lists the flags; --json is understood everywhere.\n"
	      "exit status: 0 done, 1 failed, 2 usage, 3 server not reachable, 4 not found,\n"
	      "5 not allowed\n",
	      to);
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		abort();
	for (size_t i = 0; argc >= 2 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("prebuildctl " PREBUILDD_VERSION);
		return 0;
	}
	if (argc >= 2)
		fprintf(stderr, "prebuildctl: unknown command \"%s\"\n", argv[1]);
	usage(stderr);
	return 2;
}
