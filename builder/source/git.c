#include "builder/source/git.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "builder/source/git_parts.h"
#include "builder/source/git_socket.h"

#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"

/* What libgit2 keeps for the whole process: no configuration of anybody's, and its limits. */
static int
set_up(const char *hosts, struct err *e)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
				     GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
	const char *ca = getenv("SSL_CERT_FILE");
	int r = git_libgit2_init() < 0 ? -1 : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(levels); i++)
		r = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	if (r == 0)
		r = git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, (size_t)GIT_OBJECTS_MAX);
	if (r == 0)
		r = git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, (size_t)GIT_OBJECT_MAX);
	if (r == 0 && (ca != NULL || file_exists(CA_FILE)))
		r = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, ca != NULL ? ca : CA_FILE,
				     NULL);
	if (r != 0)
		return git_failed(r, e, "libgit2");
	return git_socket_register(hosts, e);
}

static int
write_commit(struct git *g, const char *url, const char *ref, int at, const char *name,
	     unsigned level, struct git_found *found, struct err *e)
{
	git_repository *repo = NULL;
	git_commit *commit = NULL;

	if (git_get_commit(g, url, ref, &repo, &commit, e) == 0) {
		git_oid_tostr(found->commit, sizeof found->commit, git_commit_id(commit));
		found->time = git_commit_time(commit);
		git_write_tree(g, url, repo, commit, at, name, level, e);
	}
	git_commit_free(commit);
	git_repository_free(repo);
	return e->code;
}

int
git_write_submodule(struct git *g, const char *url, const char *commit, int at, const char *name,
		    unsigned level, struct err *e)
{
	struct origin origin;
	struct git_found found;

	if (level > GIT_SUBMODULE_DEPTH)
		return err_set(e, ERR_LIMIT, "nested more than %d deep", GIT_SUBMODULE_DEPTH);
	if (g->repositories > GIT_SUBMODULES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d submodules", GIT_SUBMODULES_MAX);
	/* .gitmodules is as hostile as a request. */
	if (origin_git(url, commit, &origin, e) != 0)
		return e->code;
	return write_commit(g, origin.url, commit, at, name, level, &found, e);
}

int
git_fetch(const struct origin *origin, const char *into, const char *scratch, const char *hosts,
	  const struct git_limits *l, struct git_found *found, struct err *e)
{
	struct git g = {.scratch = scratch, .hosts = hosts, .limits = l};
	int at = -1;

	*found = (struct git_found){0};
	if (set_up(hosts, e) != 0)
		return e->code;
	at = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		err_sys(e, -errno, "open %s", into);
	else
		write_commit(&g, origin->url, origin->ref, at, "", 0, found, e);
	if (at >= 0)
		close(at);
	git_libgit2_shutdown();
	return e->code;
}
