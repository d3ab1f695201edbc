// SPDX-License-Identifier: GPL-2.0
/*
 * What was merged in 2007 and has to hold in a patched kernel too: new network
 * namespaces (B) and devices that move between them (C). A1 to A5 are KUnit's.
 */
#define _GNU_SOURCE
#include "harness.h"
#include "nic.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_ASKED	(-1)

/* ---- B: clone and unshare ------------------------------------------------ */

static void check_new(int ns)
{
	CHECK(inode(ns) != inode(parent));
	EQUAL(command(ns, "test $(ip -o link | wc -l) = 1 && ip -o link | grep -q ' lo: '"), 0);
	EQUAL(command(ns, "ip -o addr | grep . || ip route | grep ."), 1);
}

TEST(B1_unshare_gives_a_namespace_with_lo_alone)
{
	CHECK(unshare(CLONE_NEWNET) == 0);
	check_new(netns_of(getpid()));
}

TEST(B1_so_does_clone)
{
	pid_t pid = syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);

	CHECK(pid >= 0);
	if (!pid)
		_exit(pause());
	check_new(netns_of(pid));
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

TEST(B2_without_the_flag_it_is_shared)
{
	pid_t pid = fork();

	if (!pid)
		_exit(pause());
	EQUAL(inode(netns_of(pid)), inode(parent));
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* far, whose other end is the only device of what begins and ends. */
static void await_end(void)
{
	for (int waited_ms = 0; has_nic(parent, "far"); waited_ms += 5) {
		CHECK(waited_ms < 10000);
		usleep(5000);
	}
}

TEST(B4_it_dies_with_its_last_process)
{
	int ns = new_netns();
	pid_t first, second;

	EQUAL(command(parent, "ip link add far type veth peer name near netns /proc/%d/fd/%d",
		      getpid(), ns), 0);
	enter(ns);
	first = fork();
	if (!first) {
		close(ns);
		_exit(pause());
	}
	second = fork();
	if (!second) {
		close(ns);
		_exit(pause());
	}
	enter(parent);
	close(ns);
	CHECK(kill(first, SIGKILL) == 0 && waitpid(first, NULL, 0) == first);
	usleep(100000);
	CHECK(has_nic(parent, "far")); /* B2: the other one holds it */
	CHECK(kill(second, SIGKILL) == 0 && waitpid(second, NULL, 0) == second);
	await_end();
}

TEST(B4_or_with_the_last_reference)
{
	int ns = new_netns();

	EQUAL(command(parent, "ip link add far type veth peer name near netns /proc/%d/fd/%d",
		      getpid(), ns), 0);
	usleep(100000);
	CHECK(has_nic(parent, "far"));
	close(ns);
	await_end();
}

TEST(B3_without_sys_admin_it_is_EPERM)
{
	ino_t own = inode(netns_of(getpid()));

	CHECK(setuid(65534) == 0);
	EQUAL(result(unshare(CLONE_NEWNET)), -EPERM);
	EQUAL(result(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0)), -EPERM);
	EQUAL(inode(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), own);
}

/* ---- C: devices that move ------------------------------------------------ */

struct movers {
	int init, from, to;
};

static struct movers make_movers(void)
{
	struct movers movers = {
		.init = netns_of(1),
		.from = new_netns(),
		.to = new_netns(),
	};

	make_nics(movers.from, 1);
	return movers;
}

static int listen_for_links(int ns)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd;

	enter(ns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	enter(parent);
	return fd;
}

/* The type of the last message that fd got. */
static int last_heard(int fd)
{
	static _Alignas(struct nlmsghdr) char message[32768];
	int type = 0;

	while (recv(fd, message, sizeof(message), 0) > 0)
		type = ((struct nlmsghdr *)message)->nlmsg_type;
	return type;
}

TEST(C1_it_leaves_the_one_and_appears_in_the_other)
{
	struct movers movers = make_movers();
	int left = listen_for_links(movers.from);
	int right = listen_for_links(movers.to);
	char before[64];

	snprintf(before, sizeof(before), "%s",
		 output(movers.from, "ip -br link show nic0 | tr -s ' ' | cut -d ' ' -f 3"));
	EQUAL(move_nic(movers.from, "nic0", movers.to, NOT_ASKED), 0);
	EQUAL(last_heard(left), RTM_DELLINK);
	EQUAL(last_heard(right), RTM_NEWLINK);
	CHECK(!has_nic(movers.from, "nic0") && has_nic(movers.to, "nic0"));
	CHECK(strlen(before) > 17 &&
	      !strcmp(before, output(movers.to,
				     "ip -br link show nic0 | tr -s ' ' | cut -d ' ' -f 3")));
}

TEST(C2_one_of_its_namespace_does_not_move)
{
	struct movers movers = make_movers();

	EQUAL(move_nic(movers.from, "lo", movers.to, NOT_ASKED), -EINVAL);
	EQUAL(command(movers.from, "ip link add br0 type bridge"), 0);
	EQUAL(move_nic(movers.from, "br0", movers.to, NOT_ASKED), -EINVAL);
	CHECK(has_nic(movers.from, "lo") && has_nic(movers.from, "br0"));
}

TEST(C3_to_where_it_is_it_moves_without_error)
{
	struct movers movers = make_movers();

	EQUAL(command(movers.from, "ip link set nic0 up"), 0);
	EQUAL(move_nic(movers.from, "nic0", movers.from, NOT_ASKED), 0);
	EQUAL(command(movers.from, "ip -o link show nic0 | grep -q '[<,]UP'"), 0);
}

TEST(C4_a_taken_name_is_EEXIST)
{
	struct movers movers = make_movers();

	EQUAL(command(movers.to, "ip link add nic0 type dummy"), 0);
	EQUAL(move_nic(movers.from, "nic0", movers.to, NOT_ASKED), -EEXIST);
	CHECK(has_nic(movers.from, "nic0"));
}

TEST(C4_with_a_pattern_it_gets_a_free_name)
{
	struct movers movers = make_movers();

	EQUAL(command(movers.to, "ip link add nic0 type dummy && ip link add dev0 type dummy"), 0);
	EQUAL(command(movers.from, "ip link set nic0 netns /proc/%d/fd/%d name dev%%d",
		      getpid(), movers.to), 0);
	CHECK(!has_nic(movers.from, "nic0"));
	/* do_setlink() applies the pattern twice, to what moves and what has moved. */
	CHECK(has_nic(movers.to, "dev1") || has_nic(movers.to, "dev2"));
}

TEST(C5_it_is_closed_its_lists_are_dropped_and_sysfs_follows)
{
	static const char has[] = "unshare --mount sh -c 'mount -t sysfs none /sys && "
				  "test -e /sys/class/net/nic0'";
	struct movers movers = make_movers();

	EQUAL(command(movers.from, "ip link set nic0 up && "
		      "ip maddr add 33:33:00:00:be:ef dev nic0 && "
		      "bridge fdb add 02:00:00:00:be:ef dev nic0 self"), 0);
	EQUAL(command(movers.from, "bridge fdb show dev nic0 | grep -q 02:00:00:00:be:ef"), 0);
	EQUAL(command(movers.from, has), 0);
	EQUAL(move_nic(movers.from, "nic0", movers.to, NOT_ASKED), 0);
	EQUAL(command(movers.to, "ip -o link show nic0 | grep -q '[<,]UP'"), 1);
	EQUAL(command(movers.to, "ip maddr show dev nic0 | grep -q 33:33:00:00:be:ef"), 1);
	EQUAL(command(movers.to, "bridge fdb show dev nic0 | grep -q 02:00:00:00:be:ef"), 1);
	EQUAL(command(movers.from, has), 1);
	EQUAL(command(movers.to, has), 0);
}

TEST(C6_a_taken_index_gives_another_and_iflink_follows)
{
	struct movers movers = make_movers();
	int index = index_of(movers.from, "nic0");

	EQUAL(command(movers.to, "ip link add taken index %d type dummy", index), 0);
	EQUAL(move_nic(movers.from, "nic0", movers.to, NOT_ASKED), 0);
	CHECK(index_of(movers.to, "nic0") != index);
	EQUAL(command(movers.to, "unshare --mount sh -c 'mount -t sysfs none /sys && "
		      "cmp /sys/class/net/nic0/ifindex /sys/class/net/nic0/iflink'"), 0);
}

TEST(C7_the_end_of_its_namespace_sends_it_to_the_first)
{
	struct movers movers = make_movers();

	close(movers.from);
	await_nic(movers.init, "nic0");
}

TEST(C7_a_name_that_is_taken_there_gives_another)
{
	struct movers movers = make_movers();
	char name[16];

	snprintf(name, sizeof(name), "dev%d", index_of(movers.from, "nic0"));
	EQUAL(command(movers.init, "ip link add nic0 type dummy"), 0);
	close(movers.from);
	await_nic(movers.init, name);
}

TEST(C7_and_if_that_is_taken_too_a_free_one)
{
	struct movers movers = make_movers();

	EQUAL(command(movers.init, "ip link add nic0 type dummy && ip link add dev%d type dummy",
		      index_of(movers.from, "nic0")), 0);
	close(movers.from);
	await_nic(movers.init, "dev0");
}

TEST(C7_what_cannot_go_ends_with_it)
{
	struct movers movers = make_movers();

	EQUAL(command(movers.from, "ip link add virtual type dummy && ip link add br0 type bridge"), 0);
	close(movers.from);
	await_nic(movers.init, "nic0");
	CHECK(!has_nic(movers.init, "virtual") && !has_nic(movers.init, "br0"));
}
