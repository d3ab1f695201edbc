// SPDX-License-Identifier: GPL-2.0
/* Each allocation on the way to a namespace fails once, by failslab. */
#define _GNU_SOURCE
#include "harness.h"
#include "nic.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT	"100"

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	EQUAL(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int fail_nth(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

struct refusals {
	int all, no_memory;
};

/* Once for each allocation, until there is none left to fail. */
static struct refusals count_refusals(int (*attempt)(void))
{
	struct refusals count = { 0 };
	char left[16] = "0";
	int nth = 0;

	write_to("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_to("/sys/kernel/debug/failslab/verbose", "0");
	while (!atoi(left)) {
		int fd = fail_nth();
		int error;

		snprintf(left, sizeof(left), "%d", ++nth);
		EQUAL(write(fd, left, strlen(left)), strlen(left));
		error = attempt();
		memset(left, 0, sizeof(left));
		/* 0: it failed, whether or not somebody minded. */
		CHECK(pread(fd, left, sizeof(left) - 1, 0) > 0);
		EQUAL(pwrite(fd, "0", 1, 0), 1);
		close(fd);
		enter(parent);
		count.all += error != 0;
		count.no_memory += error == -ENOMEM;
	}
	return count;
}

static int unshare_net(void)
{
	return result(unshare(CLONE_NEWNET));
}

/*
 * The inits of some subsystems make another error of it (ENOBUFS, ENFILE...), and
 * that gets to the caller.
 */
static void check_unshare(void)
{
	struct refusals count = count_refusals(unshare_net);

	CHECK(count.all > 2 * atoi(LIMIT));
	CHECK(count.no_memory > count.all * 3 / 4);
	EQUAL(inode(netns_of(getpid())), inode(parent));
	EQUAL(unshare_net(), 0);
	EQUAL(command(netns_of(getpid()), "test $(ip -o link | wc -l) = 1"), 0);
}

/* As few may there be as LIMIT: what was left behind would be in the way. */
TEST(B3_out_of_memory_is_ENOMEM_and_leaves_nothing)
{
	static const char limit[] = "/proc/sys/user/max_net_namespaces";
	char usual[32];
	int status;
	pid_t pid;

	snprintf(usual, sizeof(usual), "%s", output(parent, "cat %s", limit));
	write_to(limit, LIMIT);
	pid = fork();
	if (!pid) {
		check_unshare();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	write_to(limit, usual);
	EQUAL(status, 0);
}

static int create_and_close(void)
{
	int child = create(parent, 0);

	if (child >= 0)
		close(child);
	return child < 0 ? child : 0;
}

TEST(D0_a_child_that_memory_lacks_for_leaves_nothing)
{
	struct refusals count = count_refusals(create_and_close);

	CHECK(count.all > 2);
	EQUAL(count.no_memory, count.all);
	EQUAL(command(parent, "for i in {1..100}; do "
		      "test $(grep -c ' own$' /proc/net/l3_ns) = 3 && exit 0; "
		      "sleep 0.05; done; exit 1"), 0);
}
