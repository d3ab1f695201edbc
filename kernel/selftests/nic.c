// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "nic.h"
#include "harness.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IFLA_NETNS_RETURN	80
#define SIMULATOR		"/sys/bus/netdevsim"
#define ARRIVAL_LIMIT_MS	10000

/* ---- namespaces --------------------------------------------------------- */

int netns_of(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

int new_netns(void)
{
	int own = netns_of(getpid());
	int made;

	CHECK(unshare(CLONE_NEWNET) == 0);
	made = netns_of(getpid());
	enter(own);
	close(own);
	return made;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

void enter_own_users(void)
{
	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	write_file("/proc/self/uid_map", "0 0 1");
}

/* ---- devices ------------------------------------------------------------ */

static int init_netns(void)
{
	return netns_of(1);
}

void remove_nics(void)
{
	int init = init_netns();

	EQUAL(command(init, "for card in " SIMULATOR "/devices/netdevsim*; do "
		      "[[ ! -e $card ]] || echo ${card##*netdevsim} >" SIMULATOR "/del_device; "
		      "done; "
		      "for name in $(ip -br link | cut -d ' ' -f 1 | grep -v '^lo$'); do "
		      "ip link del $name; done; true"), 0);
	close(init);
}

/*
 * The card stays in the first namespace: where its namespace ends, it is made
 * anew in the first (devlink_pernet_pre_exit()), and its ports with it.
 */
void make_nics(int ns, int count)
{
	int init = init_netns();

	remove_nics();
	EQUAL(command(init, "echo '1 %d' >" SIMULATOR "/new_device", count), 0);
	for (int i = 0; i < count; i++)
		EQUAL(command(init, "ip link set eth%d name nic%d && "
			      "ip link set nic%d netns /proc/%d/fd/%d",
			      i, i, i, getpid(), ns), 0);
	close(init);
}

int index_of(int ns, const char *name)
{
	int own = netns_of(getpid());
	int index;

	enter(ns);
	index = if_nametoindex(name);
	enter(own);
	close(own);
	return index;
}

bool has_nic(int ns, const char *name)
{
	return index_of(ns, name) != 0;
}

void await_nic(int ns, const char *name)
{
	for (int waited_ms = 0; !has_nic(ns, name); waited_ms += 5) {
		CHECK(waited_ms < ARRIVAL_LIMIT_MS);
		usleep(5000);
	}
}

/* ---- rtnetlink ---------------------------------------------------------- */

struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg message;
	char attributes[256];
};

static struct link_request link_request(int type, int flags, int index)
{
	struct link_request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.message.ifi_index = index,
	};

	return request;
}

static struct rtattr *add(struct link_request *request, int type,
			  const void *data, int size)
{
	struct rtattr *attribute =
		(void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
	return attribute;
}

/* As the caller in ns would ask; what the kernel answered, in a buffer. */
static struct nlmsghdr *ask(int ns, struct link_request *request)
{
	static _Alignas(struct nlmsghdr) char answer[32768];
	int own = netns_of(getpid());
	int fd;

	enter(ns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	CHECK(fd >= 0);
	CHECK(send(fd, request, request->header.nlmsg_len, 0) ==
	      request->header.nlmsg_len);
	CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	enter(own);
	close(own);
	return (struct nlmsghdr *)answer;
}

static int error_of(const struct nlmsghdr *answer)
{
	EQUAL(answer->nlmsg_type, NLMSG_ERROR);
	return ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
}

int move_nic(int from, const char *name, int to, int lend)
{
	struct link_request request =
		link_request(RTM_SETLINK, NLM_F_ACK, index_of(from, name));
	uint8_t value = lend;

	CHECK(request.message.ifi_index != 0);
	if (to != NO_NETNS)
		add(&request, IFLA_NET_NS_FD, &to, sizeof(to));
	if (lend >= 0)
		add(&request, IFLA_NETNS_RETURN, &value, sizeof(value));
	return error_of(ask(from, &request));
}

int make_dummy_that_returns(int ns, int to)
{
	struct link_request request =
		link_request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
	struct rtattr *information;
	uint8_t value = 1;

	add(&request, IFLA_NET_NS_FD, &to, sizeof(to));
	add(&request, IFLA_NETNS_RETURN, &value, sizeof(value));
	information = add(&request, IFLA_LINKINFO, NULL, 0);
	add(&request, IFLA_INFO_KIND, "dummy", sizeof("dummy"));
	information->rta_len = (char *)&request + request.header.nlmsg_len -
			       (char *)information;
	return error_of(ask(ns, &request));
}

int is_lent(int ns, const char *name)
{
	struct link_request request = link_request(RTM_GETLINK, 0, index_of(ns, name));
	struct nlmsghdr *answer = ask(ns, &request);
	struct rtattr *attribute;
	int size;

	EQUAL(answer->nlmsg_type, RTM_NEWLINK);
	attribute = IFLA_RTA(NLMSG_DATA(answer));
	size = IFLA_PAYLOAD(answer);
	for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
		if (attribute->rta_type == IFLA_NETNS_RETURN)
			return *(uint8_t *)RTA_DATA(attribute);
	return -ENODATA;
}
