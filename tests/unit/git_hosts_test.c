#include "builder/model/git_hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "builder/base/mem.h"
#include "tests/lib/test.h"

static bool
allowed(const char *list, const char *host, const char *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return git_hosts_allow_address(list, host, "443", (struct sockaddr *)&v4);
	CHECK_MSG(inet_pton(AF_INET6, address, &v6.sin6_addr) == 1, "%s", address);
	return git_hosts_allow_address(list, host, "443", (struct sockaddr *)&v6);
}

TEST(without_a_list_only_the_public_internet)
{
	static const char *const public[] = {
		"1.1.1.1",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
		"100.128.0.0",     "172.15.255.255",  "172.32.0.0",     "192.167.255.255",
		"192.169.0.0",     "223.255.255.255", "198.17.255.255", "198.20.0.0",
		"2606:4700::1111", "2a00:1450::1",    "::ffff:1.1.1.1", "2001:200::1",
		"2001:4860::8888",
	};
	static const char *const private[] = {
		"0.0.0.0",
		"10.0.0.1",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.8.9.10",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.255.255",
		"192.0.0.1",
		"192.168.1.1",
		"198.18.0.1",
		"198.19.0.1",
		"224.0.0.1",
		"240.0.0.1",
		"192.0.2.1",
		"198.51.100.1",
		"203.0.113.9",
		"255.255.255.255",
		"::",
		"::1",
		"fe80::1",
		"fc00::1",
		"fd12:3456::1",
		"ff02::1",
		"::ffff:10.0.0.1",
		"::ffff:127.0.0.1",
		"64:ff9b::a00:1",
		"2002:a00:1::",
		"2001:db8::1",
		"2001::1",
		"::127.0.0.1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		CHECK_MSG(allowed(NULL, "h", public[i]), "%s", public[i]);
	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		CHECK_MSG(!allowed(NULL, "h", private[i]), "%s", private[i]);
}

TEST(with_a_list_only_its_hosts)
{
	const char *list = "git.example.org, 10.0.0.5:443,[::1]:443";

	CHECK(allowed(list, "git.example.org", "10.1.2.3"));
	CHECK(allowed(list, "GIT.example.org", "1.1.1.1"));
	CHECK(allowed(list, "10.0.0.5", "10.0.0.5"));
	CHECK(allowed(list, "::1", "::1"));
	CHECK(!allowed(list, "10.0.0.50", "10.0.0.50"));
	CHECK(!allowed(list, "example.org", "1.1.1.1"));
	CHECK(!allowed(list, "evil.git.example.org", "1.1.1.1"));
	CHECK(!allowed("none", "none", "1.1.1.1"));
}

TEST(urls)
{
	static const struct {
		const char *list, *url;
		int code;
	} cases[] = {
		{NULL, "https://e.org/a", 0},
		{"", "https://e.org/a", 0},
		{NULL, "http://e.org/a", ERR_FORBIDDEN},
		{"e.org", "http://e.org/a", 0},
		{"e.org", "https://e.org:8443/a", 0},
		{"e.org:8443", "https://e.org:8443/a", 0},
		{"e.org:8443", "https://e.org/a", ERR_FORBIDDEN},
		{"e.org:443", "https://e.org/a", 0},
		{"e.org:443", "http://e.org/a", ERR_FORBIDDEN},
		{"f.org", "https://e.org/a", ERR_FORBIDDEN},
		{"[::1]:80", "http://[::1]/a", 0},
		{"none", "https://e.org/a", ERR_FORBIDDEN},
		{"none", "https://none/a", ERR_FORBIDDEN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_MSG(git_hosts_allow_url(cases[i].list, cases[i].url, NULL) == cases[i].code,
			  "%s %s", cases[i].list, cases[i].url);
	CHECK_INT(git_hosts_check("github.com,git.example.org:8443", NULL), 0);
	CHECK_INT(git_hosts_check("none", NULL), 0);
	CHECK_INT(git_hosts_check("", NULL), ERR_USAGE);
	CHECK_INT(git_hosts_check("https://github.com", NULL), ERR_USAGE);
}
