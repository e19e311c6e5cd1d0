#include "builder/model/git_hosts.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "builder/base/mem.h"

#define NONE     "none"
#define HOST_MAX 255

static bool
is_open(const char *list)
{
	return list == NULL || list[0] == '\0';
}

int
git_hosts_check(const char *list, struct err *e)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".-:[], ";

	if (list[0] == '\0' || strspn(list, safe) != strlen(list))
		return err_set(e, ERR_USAGE,
			       "--git-hosts: hosts separated by commas, such as "
			       "github.com,git.example.org:8443, or none");
	return 0;
}

/* Is the host in the list, by itself or with this port? Neither has brackets around it. */
static bool
is_listed(const char *list, const char *host, const char *port)
{
	char with_port[HOST_MAX + 16], bracketed[HOST_MAX + 16];

	snprintf(with_port, sizeof with_port, "%s:%s", host, port);
	snprintf(bracketed, sizeof bracketed, "[%s]:%s", host, port);
	for (const char *at = list; *at != '\0';) {
		size_t len = strcspn(at, ", ");

		if (len > 0 &&
		    (strlen(host) == len || strlen(with_port) == len || strlen(bracketed) == len) &&
		    (strncasecmp(at, host, len) == 0 || strncasecmp(at, with_port, len) == 0 ||
		     strncasecmp(at, bracketed, len) == 0))
			return true;
		at += len + strspn(at + len, ", ");
	}
	return false;
}

/* The parts of origin.h's URL; an IPv6 address without its brackets. */
static bool
split(const char *url, char host[HOST_MAX + 1], char port[8])
{
	const char *at = strstr(url, "://") + 3;
	bool bracket = at[0] == '[';
	size_t len;

	snprintf(port, 8, "%s", strncmp(url, "https", 5) == 0 ? "443" : "80");
	at += bracket;
	len = strcspn(at, bracket ? "]" : ":/");
	if (len > HOST_MAX)
		return false;
	snprintf(host, HOST_MAX + 1, "%.*s", (int)len, at);
	at += len + bracket;
	if (*at == ':')
		snprintf(port, 8, "%.*s", (int)strcspn(at + 1, "/"), at + 1);
	return true;
}

int
git_hosts_allow_url(const char *list, const char *url, struct err *e)
{
	char host[HOST_MAX + 1], port[8];

	if (!split(url, host, port))
		return err_set(e, ERR_INVALID, "the git URL's host is too long");
	if (is_open(list)) {
		if (strncmp(url, "https://", 8) == 0)
			return 0;
		return err_set(e, ERR_FORBIDDEN,
			       "%s: git over http is only allowed from hosts that the worker's "
			       "--git-hosts lists; use https, or ask its operator",
			       host);
	}
	if (strcmp(list, NONE) != 0 && is_listed(list, host, port))
		return 0;
	return err_set(e, ERR_FORBIDDEN,
		       "%s: the worker's --git-hosts does not list this host; ask its operator, or "
		       "upload the source: prebuildctl build --source DIR",
		       host);
}

struct range {
	uint32_t from;
	unsigned bits;
};

/* IANA's special-purpose registry (RFC 6890 and what came later): all that is not global unicast. */
static const struct range special[] = {
	{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
	{0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
	{0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
};

static bool
is_public_v4(uint32_t address)
{
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (((address ^ special[i].from) >> (32 - special[i].bits)) == 0)
			return false;
	return true;
}

/* 2000::/3 without what carries another address inside (Teredo, 6to4) or documents; a v4-mapped
 * address is what it maps. */
static bool
is_public_v6(const unsigned char a[16])
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (memcmp(a, mapped, sizeof mapped) == 0)
		return is_public_v4((uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 |
				    (uint32_t)a[14] << 8 | a[15]);
	if ((a[0] & 0xe0) != 0x20)
		return false;
	if (a[0] == 0x20 && a[1] == 0x02)
		return false;
	if (a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0)
		return false;
	/* 2001::/23 is for protocols, 2001:db8::/32 for documentation. */
	return !(a[0] == 0x20 && a[1] == 0x01 && (a[2] < 0x02 || (a[2] == 0x0d && a[3] == 0xb8)));
}

bool
git_hosts_allow_address(const char *list, const char *host, const char *port,
			const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	if (!is_open(list))
		return strcmp(list, NONE) != 0 && is_listed(list, host, port);
	if (address->sa_family == AF_INET)
		return is_public_v4(ntohl(v4->sin_addr.s_addr));
	return address->sa_family == AF_INET6 && is_public_v6(v6->sin6_addr.s6_addr);
}
