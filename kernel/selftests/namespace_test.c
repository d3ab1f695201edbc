// SPDX-License-Identifier: GPL-2.0
/* Create, enter, list, and die: patches 1 and 2. */
#define _GNU_SOURCE
#include "harness.h"
#include "nic.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLONE_NEWNET	0x40000000
#define CLONE_NEWUSER	0x10000000
#define PIDFD_GET_NET_NAMESPACE	_IO(0xff, 4)

static int id_of(int ns)
{
	uint32_t id;

	return result(ioctl(ns, NS_NET_L3_GET_ID, &id)) ?: (int)id;
}

static bool is_listed(int id)
{
	char line[32];

	snprintf(line, sizeof(line), "\n%d ", id);
	return strstr(output(parent, "cat /proc/net/l3_ns"), line);
}

/* Its end is in nobody's context: within 10 s. */
static void await_end(int id)
{
	for (int i = 0; is_listed(id); i++) {
		CHECK(i < 1000);
		usleep(10000);
	}
}

static ino_t own_inode(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ino_t number = inode(fd);

	close(fd);
	return number;
}

TEST(D0_children_are_leaves)
{
	enter(child_a);
	EQUAL(result(unshare(CLONE_NEWNET)), -EPERM);
	EQUAL(result(unshare(CLONE_NEWUSER | CLONE_NEWNET)), -EPERM);
	EQUAL(result(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0)), -EPERM);
	EQUAL(result(syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD,
			     0, 0, 0, 0)), -EPERM);
	EQUAL(own_inode(), inode(child_a));
	EQUAL(create(parent, 0), -EPERM);
	EQUAL(create(child_a, 0), -EPERM);
	enter(parent);
	EQUAL(create(child_a, 0), -EPERM);
	EQUAL(result(unshare(CLONE_NEWNET)), 0);
}

TEST(D0_an_application_needs_no_change_to_run_in_one)
{
	EQUAL(command(parent, "nsenter --net=/proc/%d/fd/%d true", getpid(),
		      child_a), 0);
	EQUAL(command(parent, "mkdir -p /run/netns && touch /run/netns/l3 && "
		      "mount --bind /proc/%d/fd/%d /run/netns/l3 && "
		      "ip netns exec l3 ip -o addr | grep -q 'inet 10.0.0.2/24' && "
		      "umount /run/netns/l3", getpid(), child_a), 0);
}

TEST(D0_lsns_lists_a_child_with_a_process)
{
	pid_t pid = fork();

	if (!pid) {
		enter(child_a);
		_exit(pause());
	}
	for (int i = 0; inode(netns_of(pid)) != inode(child_a); i++) {
		CHECK(i < 1000);
		usleep(10000);
	}
	EQUAL(command(parent, "lsns --noheadings --type net --output ns,pid | "
		      "grep --extended-regexp '^ *%lu +%d$'",
		      (unsigned long)inode(child_a), pid), 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

TEST(D1_init_and_its_like_are_level_2)
{
	int init = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	uint32_t id;
	int child;

	EQUAL(result(ioctl(init, NS_NET_L3_GET_ID, &id)), -EINVAL);
	EQUAL(result(ioctl(parent, NS_NET_L3_GET_ID, &id)), -EINVAL);
	EQUAL(create(uts, 0), -EINVAL);
	child = create(init, 0);
	CHECK(child >= 0);
	EQUAL(id_of(child) > 0, true);
	CHECK(fcntl(child, F_GETFD) & FD_CLOEXEC);
}

TEST(D1_an_unknown_flag_is_refused)
{
	EQUAL(create(parent, 2), -EINVAL);
	EQUAL(create(parent, 0x80000000), -EINVAL);
}

TEST(D2_a_child_knows_its_parent)
{
	int found = ioctl(child_a, NS_GET_PARENT);

	CHECK(found >= 0);
	EQUAL(inode(found), inode(parent));
	CHECK(inode(child_a) != inode(parent));
	enter(child_a);
	EQUAL(result(ioctl(child_a, NS_GET_PARENT)), -EPERM);
}

TEST(D2_a_child_keeps_its_parent_alive)
{
	int child;

	CHECK(unshare(CLONE_NEWNET) == 0);
	EQUAL(system("ip link add last type dummy"), 0);
	child = create(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), 0);
	CHECK(child >= 0);
	close_range(child + 1, ~0u, 0);
	for (int fd = 3; fd < child; fd++)
		if (fd != parent)
			close(fd);
	enter(parent);
	EQUAL(command(child, "ip link show last"), 0);
}

TEST(D3_devices_and_routes_are_the_parents)
{
	char links[4096];

	snprintf(links, sizeof(links), "%s", output(parent, "ip -o link; ip route"));
	CHECK(strstr(links, "e0"));
	CHECK(!strcmp(links, output(child_a, "ip -o link; ip route")));
}

TEST(D3_a_child_is_given_no_device)
{
	EQUAL(move_nic(parent, "e0", child_a, -1), -EINVAL);
	EQUAL(move_nic(peer, "e0", child_a, -1), -EINVAL);
	CHECK(has_nic(parent, "e0") && has_nic(peer, "e0"));
}

TEST(D11_children_are_listed_for_the_parent_only)
{
	CHECK(is_listed(id_of(child_a)));
	CHECK(is_listed(id_of(child_c)));
	CHECK(command(child_a, "cat /proc/net/l3_ns") != 0);
	CHECK(!strchr(strchr(output(peer, "cat /proc/net/l3_ns"), '\n') + 1, '\n'));
}

TEST(D5_one_that_nothing_refers_to_dies)
{
	int id = id_of(child_c);

	close(child_c);
	await_end(id);
}

TEST(D5_a_task_or_a_mount_keeps_it)
{
	int id = id_of(child_c);
	int status;
	pid_t pid;
	int ends[2];
	char byte;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (!pid) {
		enter(child_c);
		close(child_c);
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	EQUAL(command(parent, "touch /run/kept && mount --bind /proc/%d/fd/%d /run/kept",
		      getpid(), child_c), 0);
	close(child_c);
	usleep(50000);
	CHECK(is_listed(id));
	close(ends[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(is_listed(id));
	EQUAL(command(parent, "umount /run/kept && rm /run/kept"), 0);
	await_end(id);
}

TEST(D5_create_needs_net_admin)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		CHECK(setuid(65534) == 0);
		EQUAL(create(parent, 0), -EPERM);
		EQUAL(result(setns(child_a, CLONE_NEWNET)), -EPERM);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

TEST(B3_they_count_as_network_namespaces)
{
	int own;

	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	write_to("/proc/self/uid_map", "0 0 1");
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(create(own, 0) >= 0);
	write_to("/proc/sys/user/max_net_namespaces", "2");
	EQUAL(create(own, 0), -ENOSPC);
}

TEST(proc_and_pidfds_show_the_child)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	int shown;

	enter(child_a);
	EQUAL(own_inode(), inode(child_a));
	shown = ioctl(pidfd, PIDFD_GET_NET_NAMESPACE, 0);
	CHECK(shown >= 0);
	EQUAL(inode(shown), inode(child_a));
	enter(parent);
	EQUAL(own_inode(), inode(parent));
}

TEST(setns_by_pidfd_leads_into_the_child)
{
	int ready[2], done[2], pidfd, status;
	char byte = 0;
	pid_t pid;

	CHECK(pipe(ready) == 0 && pipe(done) == 0);
	pid = fork();
	if (!pid) {
		enter(child_a);
		CHECK(write(ready[1], &byte, 1) == 1);
		_exit(read(done[0], &byte, 1) != 1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(setns(pidfd, CLONE_NEWNET) == 0);
	EQUAL(own_inode(), inode(child_a));
	CHECK(write(done[1], &byte, 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Patch 1: what is read by one entry is put by the operations of another. */
TEST(reading_ns_links_a_thousand_times_keeps_the_counts)
{
	char text[64];

	enter(child_a);
	for (int i = 0; i < 1000; i++) {
		CHECK(readlink("/proc/self/ns/net", text, sizeof(text)) > 0);
		CHECK(!strncmp(text, "net:[", 5));
	}
	enter(parent);
	EQUAL(command(parent, "readlink /proc/self/ns/*"), 0);
	EQUAL(id_of(child_a) > 0, true);
}

/* A loop of forks across the doors, and none of the counts is wrong by one. */
TEST(forks_across_setns_keep_the_counts)
{
	const int ns[3] = { child_a, child_b, parent };
	int id = id_of(child_c);

	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			enter(i % 2 ? ns[i % 3] : child_c);
			if (!fork())
				enter(ns[(i + 1) % 3]);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	CHECK(is_listed(id) && is_listed(id_of(child_a)) && is_listed(id_of(child_b)));
	close(child_c);
	await_end(id);
}

static void come_and_go(int count)
{
	for (int i = 0; i < count; i++) {
		int fd = create(parent, 0);

		CHECK(fd >= 0);
		close(fd);
	}
	for (int i = 0; strstr(output(parent, "wc -l </proc/net/l3_ns"), "4\n") == NULL; i++) {
		CHECK(i < 1000);
		usleep(10000);
	}
}

static long kernel_memory_kb(void)
{
	return atol(output(parent, "sed -n 's/^SUnreclaim: *//p' /proc/meminfo"));
}

/*
 * Fifty bytes lost of each are 500 kB. Where kmemleak is, it looks for what is
 * lost, and KASAN keeps what was freed.
 */
TEST(ten_thousand_come_and_go)
{
	long before_kb, grown_kb;

	come_and_go(1000);
	before_kb = kernel_memory_kb();
	come_and_go(10000);
	grown_kb = kernel_memory_kb() - before_kb;
	CHECK(grown_kb < 500 || !access("/sys/kernel/debug/kmemleak", F_OK));
}
