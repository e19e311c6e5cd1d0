/* What is asked of an S3 service, and how its answers are taken, against a server that says what it is told to.
 * tests/contract/s3.sh does the same against a real one. */
#include "api/store/bucket.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/base/buf.h"
#include "builder/base/file.h"
#include "builder/base/mem.h"
#include "tests/lib/canned_http.h"
#include "tests/lib/test.h"

/* printf hello | sha256sum */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

__attribute__((constructor)) static void
set_environment(void)
{
	setenv("no_proxy", "127.0.0.1,localhost", 1);
	setenv("NO_PROXY", "127.0.0.1,localhost", 1);
	setenv("AWS_ACCESS_KEY_ID", "the-key", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "the-secret", 1);
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL_S3");
}

static struct bucket *
open_bucket(struct canned *c, const char *more)
{
	char *url = xasprintf("//things/some/prefix?endpoint=%s%s", canned_base(c), more);
	struct bucket *b = NULL;
	struct err e = {0};

	CHECK_MSG(bucket_open(url, &b, &e) == 0, "%s", e.msg);
	free(url);
	return b;
}

static int
get(const struct bucket *b, uint64_t limit, char have[64], struct err *e)
{
	int fd = open(test_path("got"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;
	ssize_t n;

	*e = (struct err){0};
	r = bucket_get(b, "sha256/2c/" HELLO, fd, limit, e);
	n = pread(fd, have, 63, 0);
	have[n > 0 ? n : 0] = '\0';
	close(fd);
	return r;
}

#define OBJECT "/things/some/prefix/sha256/2c/" HELLO

TEST(an_object_is_got)
{
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	char have[64], *asked;
	struct err e;

	canned_reply(c, OBJECT, 200, "", "hello", 5);
	CHECK_INT(get(b, 5, have, &e), 0);
	CHECK_STR(have, "hello");
	asked = canned_last(c);
	CHECK(strstr(asked, "Credential=the-key/") != NULL);
	CHECK(strstr(asked, "/us-east-1/s3/aws4_request") != NULL);
	CHECK(strstr(asked, "the-secret") == NULL);
	free(asked);
	CHECK_INT(get(b, 4, have, &e), ERR_TOO_LARGE);
	bucket_close(b);
	canned_stop(c);
}

/* A part of an answer that is cut off is not kept before the whole of the next one. */
TEST(what_fails_for_a_moment_is_tried_again)
{
	static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nxxxxxxxx";
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	char have[64];
	struct err e;

	canned_reply(c, OBJECT, 503, "", "SlowDown", 8);
	canned_raw(c, OBJECT, cut, sizeof cut - 1);
	canned_reply(c, OBJECT, 200, "", "hello", 5);
	CHECK_INT(get(b, 100, have, &e), 0);
	CHECK_STR(have, "hello");
	CHECK_INT(canned_hits(c, OBJECT), 3);
	bucket_close(b);
	canned_stop(c);
}

TEST(what_it_refuses)
{
	static const char missing[] = "<Error><Code>NoSuchKey</Code></Error>";
	static const char bucket[] = "<Error><Code>NoSuchBucket</Code></Error>";
	static const char denied[] =
		"<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	char have[64];
	struct err e;

	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	CHECK_STR(have, "");
	canned_reply(c, OBJECT, 404, "", missing, sizeof missing - 1);
	CHECK_INT(get(b, 100, have, &e), ERR_NOT_FOUND);
	canned_reply(c, OBJECT, 404, "", bucket, sizeof bucket - 1);
	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	canned_reply(c, OBJECT, 403, "", denied, sizeof denied - 1);
	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	CHECK(strstr(e.msg, "403 AccessDenied: no") != NULL);
	CHECK_INT(canned_hits(c, OBJECT), 4);
	canned_reply(c, OBJECT, 500, "", "", 0);
	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	CHECK_INT(canned_hits(c, OBJECT), 7);
	bucket_close(b);
	canned_stop(c);
}

/* A signature is not carried to where a server points. */
TEST(redirects_are_not_followed)
{
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	char *to = xasprintf("Location: %s/other\r\n", canned_base(c)), have[64];
	struct err e;

	canned_reply(c, OBJECT, 301, to, "", 0);
	canned_reply(c, "/other", 200, "", "other", 5);
	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	CHECK_INT(canned_hits(c, "/other"), 0);
	free(to);
	bucket_close(b);
	canned_stop(c);
}

TEST(nobody_answers)
{
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	char have[64];
	struct err e;

	canned_stop(c);
	CHECK_INT(get(b, 100, have, &e), ERR_BUSY);
	CHECK(strstr(e.msg, "bucket things") != NULL);
	bucket_close(b);
}

TEST(an_object_is_put_and_deleted)
{
	static const char missing[] = "<Error><Code>NoSuchKey</Code></Error>";
	struct canned *c = canned_start();
	struct bucket *b;
	struct err e = {0};
	char *asked;

	setenv("AWS_SESSION_TOKEN", "the-session", 1);
	b = open_bucket(c, "&region=eu-north-1");
	unsetenv("AWS_SESSION_TOKEN");
	CHECK_INT(file_write(test_path("hello"), "hello", 5, 0600, &e), 0);
	canned_reply(c, OBJECT, 200, "", "", 0);
	CHECK_INT(bucket_put(b, "sha256/2c/" HELLO, test_path("hello"), HELLO, &e), 0);
	asked = canned_last(c);
	CHECK(strncmp(asked, "PUT " OBJECT, strlen("PUT " OBJECT)) == 0);
	CHECK(strstr(asked, "Content-Length: 5\r\n") != NULL);
	CHECK(strstr(asked, "X-Amz-Content-Sha256: " HELLO) != NULL);
	CHECK(strstr(asked, "X-Amz-Security-Token: the-session") != NULL);
	CHECK(strstr(asked, "x-amz-security-token,") != NULL ||
	      strstr(asked, ";x-amz-security-token") != NULL);
	CHECK(strstr(asked, "/eu-north-1/s3/") != NULL);
	free(asked);
	canned_reply(c, OBJECT, 204, "", "", 0);
	CHECK_INT(bucket_delete(b, "sha256/2c/" HELLO, &e), 0);
	asked = canned_last(c);
	CHECK(strncmp(asked, "DELETE ", 7) == 0);
	free(asked);
	canned_reply(c, "/things/some/prefix/not/there", 404, "", missing, sizeof missing - 1);
	CHECK_INT(bucket_delete(b, "not/there", &e), 0);
	CHECK(bucket_put(b, "not/there", test_path("hello"), HELLO, &e) != 0);
	bucket_close(b);
	canned_stop(c);
}

static void
on_object(const char *key, uint64_t size, int64_t modified, void *arg)
{
	(void)modified;
	buf_addf(arg, "%s %llu\n", key, (unsigned long long)size);
}

#define LISTED(key)                                                                     \
	"<Contents><Key>" key "</Key><LastModified>2026-11-27T16:09:12Z</LastModified>" \
	"<Size>1</Size></Contents>"

TEST(a_list_has_pages)
{
	static const char first[] =
		"<ListBucketResult><IsTruncated>true</IsTruncated>"
		"<NextContinuationToken>a+b/c=</NextContinuationToken>" LISTED("some/prefix/a/1")
			LISTED("foreign") "</ListBucketResult>";
	static const char second[] =
		"<ListBucketResult>" LISTED("some/prefix/a/2") "</ListBucketResult>";
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	struct buf out = {0};
	struct err e = {0};
	char *asked;

	canned_reply(c, "/things/", 200, "", first, sizeof first - 1);
	canned_reply(c, "/things/", 200, "", second, sizeof second - 1);
	CHECK_INT(bucket_list(b, "a/", 0, on_object, &out, &e), 0);
	CHECK_STR(out.data, "a/1 1\na/2 1\n");
	asked = canned_last(c);
	CHECK_MSG(strstr(asked, "?continuation-token=a%2Bb%2Fc%3D&list-type=2&max-keys=1000&"
				"prefix=some%2Fprefix%2Fa%2F ") != NULL,
		  "%s", asked);
	free(asked);
	buf_fini(&out);
	bucket_close(b);
	canned_stop(c);
}

/* A service that always has more must not keep us for ever: at most as many as were asked for. */
TEST(a_list_of_one)
{
	static const char more[] = "<ListBucketResult><IsTruncated>true</IsTruncated>"
				   "<NextContinuationToken>x</NextContinuationToken>" LISTED(
					   "some/prefix/a/1") "</ListBucketResult>";
	struct canned *c = canned_start();
	struct bucket *b = open_bucket(c, "");
	struct buf out = {0};
	struct err e = {0};

	canned_reply(c, "/things/", 200, "", more, sizeof more - 1);
	CHECK_INT(bucket_list(b, "a/", 1, on_object, &out, &e), 0);
	CHECK_STR(out.data, "a/1 1\n");
	CHECK_INT(canned_hits(c, "/things/"), 1);
	buf_fini(&out);
	bucket_close(b);
	canned_stop(c);
}

TEST(what_a_url_may_be)
{
	static const char *const good[] = {
		"//bucket",
		"//bucket/",
		"//bucket/a/b/",
		"//my.bucket?region=eu-west-1",
		"//bucket?endpoint=https%3A%2F%2Fs3.example.org%2F&region=r",
		"//bucket?",
	};
	static const char *const bad[] = {
		"bucket",
		"//",
		"///prefix",
		"//b ucket",
		"//bucket//a",
		"//bucket/a//b",
		"//bucket/../b",
		"//bucket/a b",
		"//bucket?endpoint",
		"//bucket?endpoint=",
		"//bucket?endpoint=ftp://example.org",
		"//bucket?region=",
		"//bucket?region=a:b",
		"//bucket?acl=public",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct bucket *b = NULL;
		struct err e = {0};

		CHECK_MSG(bucket_open(good[i], &b, &e) == 0, "%s: %s", good[i], e.msg);
		if (b != NULL)
			bucket_close(b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bucket *b = NULL;
		struct err e = {0};

		CHECK_MSG(bucket_open(bad[i], &b, &e) == ERR_USAGE, "%s", bad[i]);
	}
}

TEST(credentials_are_needed)
{
	struct bucket *b = NULL;
	struct err e = {0};

	unsetenv("AWS_SECRET_ACCESS_KEY");
	CHECK_INT(bucket_open("//bucket", &b, &e), ERR_USAGE);
	CHECK(strstr(e.msg, "AWS_SECRET_ACCESS_KEY") != NULL);
	setenv("AWS_SECRET_ACCESS_KEY", "the-secret", 1);
}
