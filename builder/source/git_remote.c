#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/base/mem.h"
#include "builder/model/git_hosts.h"
#include "builder/source/git_parts.h"
#include "builder/source/git_socket.h"

#define WANTED   "refs/prebuildd/"
#define REF_SIZE (ORIGIN_REF_MAX + 16)

/* Whatever a server or a repository put into it. */
static void
show(const char *text, char out[200])
{
	size_t n = 0;

	for (; n < 199 && text[n] != '\0'; n++)
		out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	out[n] = '\0';
}

/* libgit2 has no codes for what a server answers, only words. */
static int
code_of(int r, const git_error *last)
{
	const char *text = last != NULL && last->message != NULL ? last->message : "";

	if (strstr(text, "status code: 404") != NULL)
		return ERR_NOT_FOUND;
	if (r == GIT_EAUTH || strstr(text, "status code: 401") != NULL ||
	    strstr(text, "status code: 403") != NULL)
		return ERR_FORBIDDEN;
	if (strstr(text, "cannot redirect from") != NULL)
		return ERR_UNSUPPORTED;
	if (last == NULL)
		return ERR_INTERNAL;
	switch (last->klass) {
	case GIT_ERROR_NET:
	case GIT_ERROR_HTTP:
	case GIT_ERROR_SSL:
		return ERR_UNREACHABLE;
	case GIT_ERROR_OS:
	case GIT_ERROR_NOMEMORY:
		return ERR_INTERNAL;
	default:
		return ERR_MALFORMED;
	}
}

int
git_failed(int r, struct err *e, const char *what)
{
	const git_error *last = git_error_last();
	int code = code_of(r, last);
	char why[200];

	if (git_socket_refused(e) != 0)
		return ERR_FORBIDDEN;
	show(last != NULL && last->message != NULL ? last->message : "failed", why);
	switch (code) {
	case ERR_NOT_FOUND:
		return err_set(e, code, "%s: there is no such repository", what);
	case ERR_FORBIDDEN:
		return err_set(
			e, code,
			"%s: the repository does not exist or is not public; a worker has no "
			"credentials; upload the source: prebuildctl build --source DIR",
			what);
	case ERR_UNSUPPORTED:
		return err_set(e, code,
			       "%s: the server sends elsewhere, which is not followed; give the "
			       "repository's own URL (often it ends in .git)",
			       what);
	default:
		return err_set(e, code, "%s: %s", what, why);
	}
}

static int
on_progress(const git_indexer_progress *p, void *arg)
{
	struct git *g = arg;

	g->received = p->received_bytes;
	if (g->received_before + g->received > g->limits->received) {
		err_set(&g->refused, ERR_LIMIT,
			"git: more than %llu bytes with all history (limit max-git); upload the "
			"source: prebuildctl build --source DIR",
			(unsigned long long)g->limits->received);
		return -1;
	}
	return 0;
}

/* Asked for when a server wants a user: there is none. */
static int
on_credentials(git_credential **out, const char *url, const char *user, unsigned types, void *arg)
{
	(void)out;
	(void)url;
	(void)user;
	(void)types;
	(void)arg;
	git_error_set_str(GIT_ERROR_HTTP, "status code: 401");
	return GIT_EAUTH;
}

static git_fetch_options
options(struct git *g)
{
	git_fetch_options o;

	git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION);
	o.callbacks.transfer_progress = on_progress;
	o.callbacks.credentials = on_credentials;
	o.callbacks.payload = g;
	o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	o.update_fetchhead = 0;
	o.proxy_opts.type = GIT_PROXY_AUTO;
	o.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	return o;
}

/* Everything that the server has a name for; valid as long as the connection. */
static int
list_refs(git_remote *remote, const git_remote_head ***heads, size_t *count, struct err *e)
{
	int r = git_remote_ls(heads, count, remote);

	if (r != 0)
		return git_failed(r, e, "git");
	if (*count > GIT_REFS_MAX)
		return err_set(e, ERR_LIMIT, "git: more than %d branches and tags", GIT_REFS_MAX);
	return 0;
}

/* The one full name that the server has for it. */
static int
find_ref(git_remote *remote, const char *ref, char full[REF_SIZE], struct err *e)
{
	static const char *const forms[] = {"refs/heads/%s", "refs/tags/%s", "%s"};
	const git_remote_head **heads = NULL;
	char name[REF_SIZE];
	unsigned found = 0;
	size_t count = 0;

	if (list_refs(remote, &heads, &count, e) != 0)
		return e->code;
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		/* A whole name, or the repository's default branch. */
		if (f == 2 && strcmp(ref, "HEAD") != 0 && strncmp(ref, "refs/", 5) != 0)
			continue;
		snprintf(name, sizeof name, forms[f], ref);
		for (size_t i = 0; i < count; i++) {
			if (strcmp(heads[i]->name, name) == 0 && found++ == 0)
				strcpy(full, name);
		}
	}
	if (found > 1)
		return err_set(e, ERR_INVALID,
			       "git: %s is a branch and a tag; give refs/heads/%s or refs/tags/%s",
			       ref, ref, ref);
	if (found == 0)
		return err_set(
			e, ERR_NOT_FOUND,
			"git: the repository has no branch or tag %s; a commit needs all of its "
			"%d digits",
			ref, ORIGIN_COMMIT);
	return 0;
}

static int
fetch_refs(struct git *g, git_remote *remote, char **refspecs, size_t count, struct err *e)
{
	git_fetch_options o = options(g);
	int r = git_remote_fetch(remote, &(git_strarray){refspecs, count}, &o, NULL);

	if (r == 0) {
		g->received_before += g->received;
		g->received = 0;
		return 0;
	}
	if (g->refused.code != 0) {
		*e = g->refused;
		return e->code;
	}
	return git_failed(r, e, "git");
}

/* A commit is not a name that a server has to know. If a branch or a tag stands at it, that one is
 * fetched, else all of them, and with them every commit that is not left behind. */
static int
fetch_commit(struct git *g, git_remote *remote, git_repository *repo, const char *ref,
	     git_commit **commit, struct err *e)
{
	char branches[] = "+refs/heads/*:" WANTED "heads/*",
	     tags[] = "+refs/tags/*:" WANTED "tags/*";
	char one[REF_SIZE + sizeof WANTED + 8], *all[] = {branches, tags}, *only[] = {one};
	const git_remote_head **heads = NULL;
	size_t count = 0, i = 0;
	git_oid id;

	if (git_oid_fromstr(&id, ref) != 0)
		return git_failed(-1, e, "git");
	if (list_refs(remote, &heads, &count, e) != 0)
		return e->code;
	while (i < count &&
	       (!git_oid_equal(&heads[i]->oid, &id) || strncmp(heads[i]->name, "refs/", 5) != 0 ||
		strlen(heads[i]->name) >= REF_SIZE || strpbrk(heads[i]->name, "^:*") != NULL))
		i++;
	if (i < count)
		snprintf(one, sizeof one, "+%s:" WANTED "ref", heads[i]->name);
	if (fetch_refs(g, remote, i < count ? only : all, i < count ? 1 : ARRAY_SIZE(all), e) != 0)
		return e->code;
	if (git_commit_lookup(commit, repo, &id) != 0)
		return err_set(e, ERR_NOT_FOUND,
			       "git: no branch or tag of the repository leads to the commit %s",
			       ref);
	return 0;
}

static int
fetch_ref(struct git *g, git_remote *remote, git_repository *repo, const char *ref,
	  git_commit **commit, struct err *e)
{
	char full[REF_SIZE] = "", *refspec;
	git_reference *r = NULL;

	if (find_ref(remote, ref, full, e) != 0)
		return e->code;
	refspec = xasprintf("+%s:" WANTED "ref", full);
	if (fetch_refs(g, remote, &refspec, 1, e) == 0 &&
	    (git_reference_lookup(&r, repo, WANTED "ref") != 0 ||
	     git_reference_peel((git_object **)commit, r, GIT_OBJECT_COMMIT) != 0))
		err_set(e, ERR_MALFORMED, "git: %s is no commit", ref);
	git_reference_free(r);
	free(refspec);
	return e->code;
}

int
git_get_commit(struct git *g, const char *url, const char *ref, git_repository **repo,
	       git_commit **commit, struct err *e)
{
	char *path = xasprintf("%s/git-%u", g->scratch, g->repositories++);
	git_remote_create_options create;
	git_remote_connect_options o;
	git_remote *remote = NULL;
	int r;

	git_remote_connect_options_init(&o, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	o.callbacks = options(g).callbacks;
	o.proxy_opts.type = GIT_PROXY_AUTO;
	o.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	*repo = NULL;
	*commit = NULL;
	if (git_hosts_allow_url(g->hosts, url, e) != 0)
		goto out;
	r = git_repository_init(repo, path, 1);
	git_remote_create_options_init(&create, GIT_REMOTE_CREATE_OPTIONS_VERSION);
	create.repository = *repo;
	create.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF;
	if (r != 0 || (r = git_remote_create_with_opts(&remote, url, &create)) != 0 ||
	    (r = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &o)) != 0)
		git_failed(r, e, "git");
	else if (origin_is_commit(ref))
		fetch_commit(g, remote, *repo, ref, commit, e);
	else
		fetch_ref(g, remote, *repo, ref, commit, e);
out:
	git_remote_free(remote);
	free(path);
	return e->code;
}
