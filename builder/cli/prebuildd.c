/*
 * prebuildd.c - the service's program: `prebuildd serve`, `prebuildd worker`.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "builder/base/version.h"
#include "builder/cli/program.h"

static void
usage(FILE *to)
{
	fputs("usage: prebuildd serve [FLAG…]    the service: HTTP API, mirror, catalog, store\n"
	      "       prebuildd worker [FLAG…]   a worker that builds for a service\n"
	      "       prebuildd --version\n"
	      "\n`prebuildd COMMAND --help` lists the flags.\n",
	      to);
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 2 && strcmp(argv[1], "serve") == 0)
		return serve_main(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "worker") == 0)
		return worker_main(argc - 2, argv + 2);
	/* The service's and the worker's own children, so they are in no help text. */
	if (argc >= 2 && strcmp(argv[1], "serve-front") == 0)
		return front_main(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "check-upload") == 0)
		return check_upload_main(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "fetch-git") == 0)
		return fetch_git_main(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("prebuildd " PREBUILDD_VERSION);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return 0;
	}
	if (argc >= 2)
		fprintf(stderr, "prebuildd: unknown command \"%s\"\n", argv[1]);
	usage(stderr);
	return 2;
}
