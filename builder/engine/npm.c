#include "builder/engine/npm.h"

#include <string.h>

#include "builder/base/mem.h"
#include "builder/plan/plan.h"
#include "builder/toolchain/toolchain.h"

/* The proxy for every host that npm has no business with: an address of loopback at which nobody listens. */
#define NOBODY "127.255.255.254:1"

static bool
has_proxy(const struct strv *env)
{
	for (size_t i = 0; i < env->n; i++)
		if (strstr(env->at[i], "proxy=") != NULL || strstr(env->at[i], "PROXY=") != NULL)
			return true;
	return false;
}

void
npm_install(const char *registry, const char *hosts, const char *before, const struct strv *env,
	    struct strv *argv)
{
	static const char *const words[] = {
		"install",
		"--ignore-scripts",
		"--omit=optional",
		"--legacy-peer-deps",
		"--no-audit",
		"--no-fund",
		"--no-update-notifier",
		"--install-links=false",
		"--omit-lockfile-registry-resolved",
		"--loglevel=error",
		/* The job itself is tried again, too. */
		"--fetch-retry-mintimeout=1000",
		"--fetch-retry-maxtimeout=4000",
	};

	strv_add(argv, NODE_MOUNT "/bin/node");
	strv_add(argv, NODE_MOUNT "/lib/node_modules/npm/bin/npm-cli.js");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strv_add(argv, words[i]);
	strv_add(argv, "--cache=" PLAN_WORK "/npm-cache");
	strv_addf(argv, "--registry=%s", registry);
	if (hosts != NULL && !has_proxy(env)) {
		strv_add(argv, "--proxy=http://" NOBODY);
		strv_add(argv, "--https-proxy=http://" NOBODY);
		strv_addf(argv, "--noproxy=%s", hosts);
	}
	if (before[0] != '\0')
		strv_addf(argv, "--before=%s", before);
}

static const char *
find(const struct buf *output, const char *words)
{
	return output->len > 0 ? strstr(output->data, words) : NULL;
}

char *
npm_error(const struct buf *output)
{
	const char *at = find(output, "npm error");

	return at != NULL ? xstrndup(at, strcspn(at, "\n")) : NULL;
}

/* "request to URL failed, reason: connect ECONNREFUSED …" */
char *
npm_wanted_elsewhere(const struct buf *output)
{
	static const char before[] = "request to ";
	const char *url = find(output, before);

	if (find(output, NOBODY) == NULL)
		return NULL;
	if (url == NULL)
		return xstrdup("elsewhere");
	url += strlen(before);
	return xstrndup(url, strcspn(url, " \n"));
}

bool
npm_found_none(const struct buf *output)
{
	return find(output, "npm error code ETARGET") != NULL;
}
