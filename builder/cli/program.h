/*
 * program.h - the commands of `prebuildd`. Each is defined where its work is (api/, workers/,
 * builder/check, builder/source) and dispatched by builder/cli/prebuildd.c, so that the service and
 * the worker need not know each other.
 */
#ifndef BUILDER_CLI_PROGRAM_H
#define BUILDER_CLI_PROGRAM_H

/* argv without the program and the command; the result is the exit code. */
int serve_main(int argc, char **argv);
int front_main(int argc, char **argv);
int worker_main(int argc, char **argv);
int check_upload_main(int argc, char **argv);
int fetch_git_main(int argc, char **argv);

#endif
