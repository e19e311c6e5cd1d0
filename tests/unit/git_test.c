#include "builder/source/git.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/test.h"

/* git's own server, for all tests; made with the first. */
static struct {
	char *dir; /* of the repositories, removed at the end */
	char *url, *hosts, *https;
	char first[ORIGIN_COMMIT + 1], last[ORIGIN_COMMIT + 1]; /* commits of good.git */
	pid_t pid;
} server;

static void
stop_server(void)
{
	if (server.pid > 0) {
		kill(server.pid, SIGTERM);
		waitpid(server.pid, NULL, 0);
	}
	file_remove_tree(server.dir, NULL);
	free(server.dir);
	free(server.url);
	free(server.hosts);
	free(server.https);
}

static void
run_server(int out)
{
	char *key = xasprintf("%s/key.pem", server.dir);
	char *cert = xasprintf("%s/cert.pem", server.dir);

	/* Also when the test program is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	/* Its requests are of no interest. */
	if (freopen("/dev/null", "w", stderr) != NULL)
		execlp("node", "node", "tests/lib/git_server.js", server.dir, key, cert,
		       (char *)NULL);
	_exit(127);
}

/* The next address that the server says. */
static char *
read_address(FILE *f)
{
	static const char intro[] = "listening on ";
	char line[200] = "";

	if (fgets(line, sizeof line, f) == NULL || strncmp(line, intro, strlen(intro)) != 0)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line + strlen(intro));
}

static bool
start_server(void)
{
	char template[] = "/tmp/prebuildd-git-XXXXXX", *command, *path;
	struct buf commits = {0};
	int out[2];
	FILE *f;

	if (server.url != NULL)
		return true;
	server.dir = xstrdup(mkdtemp(template));
	atexit(stop_server);
	command = xasprintf("tests/lib/git_repos.sh %s", server.dir);
	if (!CHECK_INT(system(command), 0) || !CHECK_INT(pipe(out), 0))
		return false;
	free(command);
	server.pid = fork();
	if (server.pid == 0)
		run_server(out[1]);
	close(out[1]);
	f = fdopen(out[0], "r");
	server.url = read_address(f);
	server.https = read_address(f);
	fclose(f);
	if (!CHECK(server.url != NULL && server.https != NULL))
		return false;
	server.hosts = xstrdup(server.url + strlen("http://"));
	path = xasprintf("%s/commits", server.dir);
	CHECK_INT(file_read(path, 200, &commits, NULL), 0);
	CHECK_INT(sscanf(commits.data, "%40s %40s", server.first, server.last), 2);
	buf_fini(&commits);
	free(path);
	return true;
}

static const struct git_limits usual = {
	.received = 20 << 20, .bytes = 20 << 20, .entries = 1000, .depth = 20};

/* A path in the test's folder; test_path has no room for so many. */
static const char *
in_dir(const char *name)
{
	static char paths[8][300];
	static unsigned next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof paths[0], "%s/%s", test_dir(), name);
	return path;
}

/* Fetches a ref of the server's repository into a fresh folder "out", which is in a box that must
 * get nothing else. */
static int
fetch_from(const char *url, const char *ref, const char *hosts, const struct git_limits *l,
	   struct git_found *found, struct err *e)
{
	struct origin origin;

	*e = (struct err){0};
	file_remove_tree(in_dir("box"), NULL);
	file_remove_tree(in_dir("git"), NULL);
	CHECK_INT(file_mkdirs(in_dir("box/out"), 0755, NULL), 0);
	CHECK_INT(file_mkdirs(in_dir("git"), 0755, NULL), 0);
	CHECK_MSG(origin_git(url, ref, &origin, e) == 0, "%s", e->msg);
	return git_fetch(&origin, in_dir("box/out"), in_dir("git"), hosts, l, found, e);
}

static int
fetch(const char *repo, const char *ref, const struct git_limits *l, struct git_found *found,
      struct err *e)
{
	char *url = xasprintf("%s/%s.git", server.url, repo);
	int r = fetch_from(url, ref, server.hosts, l, found, e);

	free(url);
	return r;
}

static const char *
content(const char *name)
{
	static struct buf text;
	static struct err e;
	char *path = xasprintf("box/out/%s", name);

	buf_fini(&text);
	e = (struct err){0};
	file_read_regular(in_dir(path), 4096, &text, &e);
	free(path);
	return e.code == 0 && text.data != NULL ? text.data : e.msg;
}

static void
refused(const char *repo, const char *ref, const struct git_limits *l, int code, const char *text)
{
	struct git_found found;
	struct stat st;
	struct err e;
	int r = fetch(repo, ref, l, &found, &e);

	CHECK_MSG(r == code, "%s#%s: %d, not %d (%s)", repo, ref, r, code, e.msg);
	CHECK_MSG(strstr(e.msg, text) != NULL, "%s#%s: \"%s\" does not say \"%s\"", repo, ref,
		  e.msg, text);
	CHECK(lstat(in_dir("box/outside"), &st) != 0 && lstat(in_dir("outside"), &st) != 0);
	for (const char *p = e.msg; *p != '\0'; p++)
		CHECK_MSG((unsigned char)*p >= 0x20 && *p != 0x7f, "a control character");
}

TEST(a_branch_a_tag_and_a_commit)
{
	const struct {
		const char *ref, *file;
		const char *commit;
	} cases[] = {
		{NULL, "two $Id$\n", server.last},
		{"main", "two $Id$\n", server.last},
		{"refs/heads/main", "two $Id$\n", server.last},
		{"v1", "one", server.first},
		{"feature/one", "one", server.first},
		{"refs/tags/both", "two $Id$\n", server.last},
	};
	struct git_found found;
	struct err e;

	if (!start_server())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_MSG(fetch("good", cases[i].ref, &usual, &found, &e) == 0, "%s: %s",
			  cases[i].ref, e.msg);
		CHECK_STR(found.commit, cases[i].commit);
		CHECK_INT(found.time, 1700000000);
		CHECK_STR(content("file.txt"), cases[i].file);
	}
	/* One that a tag stands at, and … */
	CHECK_MSG(fetch("good", server.last, &usual, &found, &e) == 0, "%s", e.msg);
	CHECK_STR(found.commit, server.last);
	/* … of another repository, where it is not. */
	refused("inner", server.last, &usual, ERR_NOT_FOUND, "no branch or tag of the repository");
	refused("good", "both", &usual, ERR_INVALID, "refs/heads/both");
	refused("good", "blob", &usual, ERR_MALFORMED, "is no commit");
	refused("good", "absent", &usual, ERR_NOT_FOUND, "no branch or tag absent");
	refused("absent", "main", &usual, ERR_NOT_FOUND, "no such repository");
}

TEST(files_come_as_they_are_in_the_commit)
{
	char target[64] = "";
	struct git_found found;
	struct stat st;
	struct err e;

	if (!start_server() || !CHECK_INT(fetch("good", "main", &usual, &found, &e), 0))
		return;
	/* .gitattributes asks for filters, other line ends and for files to be left out. */
	CHECK_STR(content("file.txt"), "two $Id$\n");
	CHECK_STR(content("secret"), "kept");
	CHECK_STR(content("folder/run.sh"), "#!/bin/sh\n");
	CHECK(stat(in_dir("box/out/folder/run.sh"), &st) == 0 && (st.st_mode & 0777) == 0755);
	CHECK(stat(in_dir("box/out/file.txt"), &st) == 0 && (st.st_mode & 0777) == 0644);
	CHECK_INT(readlink(in_dir("box/out/folder/up"), target, sizeof target - 1), 11);
	CHECK_STR(target, "../file.txt");
	/* A submodule, and one of its own. */
	CHECK_STR(content("sub/inner/inner.txt"), "inner");
	CHECK_STR(content("sub/inner/below/leaf/leaf.txt"), "leaf");
	CHECK(lstat("/tmp/prebuildd-git-was-run", &st) != 0 && errno == ENOENT);
}

TEST(names_and_links_that_lead_elsewhere)
{
	static const struct {
		const char *ref, *text;
	} cases[] = {
		{"link-absolute", "link"},   {"link-out", "link"},
		{"link-out-deep", "a/link"}, {"link-then-folder", "comes twice"},
		{"twice", "comes twice"},    {"dotdot", ".."},
		{"dotdot-folder", ".."},     {"dotgit", ".git"},
		{"dotgit-upper", ".GIT"},    {"slash", "a/b"},
		{"absolute", "/etc/evil"},   {"control", "control"},
		{"backslash", "backslash"},
	};

	if (!start_server())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused("hostile", cases[i].ref, &usual, ERR_MALFORMED, cases[i].text);
}

TEST(submodules_that_lead_elsewhere)
{
	struct git_found found;
	struct stat st;
	struct err e;

	if (!start_server())
		return;
	refused("hostile", "file", &usual, ERR_UNSUPPORTED, "submodule \"s\": git.url: only https");
	refused("hostile", "path", &usual, ERR_UNSUPPORTED, "only https");
	refused("hostile", "option", &usual, ERR_UNSUPPORTED, "only https");
	refused("hostile", "ssh", &usual, ERR_UNSUPPORTED, "only https");
	refused("hostile", "ext", &usual, ERR_UNSUPPORTED, "only https");
	refused("hostile", "password", &usual, ERR_UNSUPPORTED, "a user or a password");
	fetch("hostile", "password", &usual, &found, &e);
	CHECK_MSG(strstr(e.msg, "secret") == NULL, "%s", e.msg);
	refused("hostile", "above", &usual, ERR_INVALID, "above the host");
	refused("hostile", "loopback", &usual, ERR_FORBIDDEN,
		"localhost: the worker's --git-hosts");
	refused("hostile", "missing", &usual, ERR_NOT_FOUND, "submodule \"s\"");
	refused("hostile", "unnamed", &usual, ERR_NOT_FOUND, "no .gitmodules");
	refused("hostile", "cut", &usual, ERR_MALFORMED, ".gitmodules cannot be read");
	refused("hostile", "lost", &usual, ERR_NOT_FOUND,
		"0123456789012345678901234567890123456789");
	CHECK_MSG(fetch("deep5", "main", &usual, &found, &e) == 0, "%s", e.msg);
	CHECK_STR(content("s/s/s/s/s/leaf.txt"), "leaf");
	refused("deep6", "main", &usual, ERR_LIMIT, "nested more than 5 deep");
	CHECK(lstat("/tmp/prebuildd-git-was-run", &st) != 0);
}

TEST(limits)
{
	struct git_limits l = usual;
	struct git_found found;
	struct err e;

	if (!start_server())
		return;
	CHECK_MSG(fetch("large", "zeros", &usual, &found, &e) == 0, "%s", e.msg);
	/* Small on the wire, large on disk; one object, three files. */
	l.bytes = 7 << 20;
	refused("large", "zeros", &l, ERR_LIMIT, "limit max-source-unpacked");
	refused("large", "shared", &usual, ERR_LIMIT, "limit max-source-unpacked");
	l = usual;
	l.received = 100000;
	refused("large", "noise", &l, ERR_LIMIT, "limit max-git");
	refused("large", "bomb", &usual, ERR_LIMIT, "limit max-source-files");
	refused("large", "nested", &usual, ERR_LIMIT, "");
}

/* Which hosts are connected to; the addresses are git_hosts_test.c's. */
static void
host_refused(const char *path, const char *hosts, int code, const char *text)
{
	char *url = xasprintf("%s/%s", server.url, path);
	struct git_found found;
	struct err e;
	int r = fetch_from(url, "main", hosts, &usual, &found, &e);

	CHECK_MSG(r == code, "%s: %d, not %d (%s)", path, r, code, e.msg);
	CHECK_MSG(strstr(e.msg, text) != NULL, "%s: \"%s\"", path, e.msg);
	free(url);
}

TEST(hosts)
{
	struct git_found found;
	char *url, both[200];
	struct err e;

	if (!start_server())
		return;
	host_refused("good.git", NULL, ERR_FORBIDDEN, "over http");
	host_refused("good.git", "none", ERR_FORBIDDEN, "does not list");
	host_refused("good.git", "example.org", ERR_FORBIDDEN, "does not list");
	host_refused("private/good.git", server.hosts, ERR_FORBIDDEN, "no credentials");
	/* Elsewhere on the same server is no other place. */
	snprintf(both, sizeof both, "%s,localhost", server.hosts);
	url = xasprintf("%s/moved/good.git", server.url);
	CHECK_MSG(fetch_from(url, "main", both, &usual, &found, &e) == 0, "%s", e.msg);
	free(url);
	host_refused("elsewhere/good.git", both, ERR_UNSUPPORTED, "sends elsewhere");
	/* Over https, loopback is refused by its address. */
	url = xasprintf("https://%s/good.git", server.hosts);
	CHECK_INT(fetch_from(url, "main", NULL, &usual, &found, &e), ERR_FORBIDDEN);
	CHECK_MSG(strstr(e.msg, "public internet") != NULL, "%s", e.msg);
	free(url);
	CHECK_INT(fetch_from("http://127.0.0.1:1/a.git", "main", "127.0.0.1", &usual, &found, &e),
		  ERR_UNREACHABLE);
}

TEST(certificates)
{
	char *url, *cert;
	struct git_found found;
	struct err e;

	if (!start_server())
		return;
	url = xasprintf("%s/good.git", server.https);
	cert = xasprintf("%s/cert.pem", server.dir);
	CHECK(fetch_from(url, "main", "localhost", &usual, &found, &e) != 0);
	CHECK_MSG(strstr(e.msg, "certificate") != NULL, "%s", e.msg);
	setenv("SSL_CERT_FILE", cert, 1);
	CHECK_MSG(fetch_from(url, "main", "localhost", &usual, &found, &e) == 0, "%s", e.msg);
	CHECK_STR(found.commit, server.last);
	unsetenv("SSL_CERT_FILE");
	free(cert);
	free(url);
}
