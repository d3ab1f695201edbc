// SPDX-License-Identifier: GPL-2.0
/* Whose sockets and local routes are listed: patches 19 to 21. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define INET_DIAG_L3NS_ID	23

static bool says(int ns, const char *command_line, const char *what)
{
	return strstr(output(ns, "%s", command_line), what);
}

/* Each listens on a port of its own, by all that has a list. */
static void listen_everywhere(void)
{
	const int ns[3] = { parent, child_a, child_b };

	for (int i = 0; i < 3; i++) {
		server(ns[i], SOCK_STREAM, "0.0.0.0", 5001 + i);
		server(ns[i], SOCK_DGRAM, "0.0.0.0", 5001 + i);
		server(ns[i], SOCK_STREAM, "::1", 6001 + i);
		server(ns[i], SOCK_DGRAM, "::1", 6001 + i);
	}
}

TEST(D0_files_of_proc_list_ones_own_sockets)
{
	static const char all[] = "cat /proc/net/{tcp,udp,tcp6,udp6}";

	listen_everywhere();
	for (int port = 5001; port <= 6003; port += port == 5003 ? 998 : 1) {
		char text[8];
		int owner = port % 10;

		snprintf(text, sizeof(text), ":%04X ", port);
		CHECK(says(parent, all, text));
		EQUAL(says(child_a, all, text), owner == 2);
		EQUAL(says(child_b, all, text), owner == 3);
		EQUAL(says(child_c, all, text), false);
	}
}

TEST(D0_files_of_proc_list_ones_own_raw_and_ping_sockets)
{
	static const char all[] = "cat /proc/net/{raw,raw6,icmp} | grep -c 0001";
	int fd;

	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	server(child_a, SOCK_RAW, "127.0.0.1", 0);
	server(child_a, SOCK_RAW, "::1", 0);
	fd = open_socket(child_a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	EQUAL(bind_to(fd, "10.0.0.2", 1), 0);
	CHECK(says(parent, all, "3"));
	CHECK(says(child_a, all, "3"));
	CHECK(says(child_b, all, "0"));
}

TEST(D0_sock_diag_lists_ones_own_sockets)
{
	static const char all[] = "ss -Hntula";

	listen_everywhere();
	CHECK(says(parent, all, ":5001") && says(parent, all, ":5003"));
	CHECK(says(parent, all, ":6001") && says(parent, all, ":6003"));
	CHECK(says(child_a, all, ":5002") && says(child_a, all, ":6002"));
	CHECK(!says(child_a, all, ":5001") && !says(child_a, all, ":6001"));
	CHECK(!says(child_a, all, ":5003") && !says(child_a, all, ":6003"));
	CHECK(!says(child_c, all, ":"));
}

TEST(D0_sock_diag_lists_ones_own_connections)
{
	int listener = server(child_a, SOCK_STREAM, "127.0.0.1", 80);
	int fd = sock(child_a, SOCK_STREAM);

	EQUAL(connect_to(fd, "127.0.0.1", 80), 0);
	CHECK(accept(listener, NULL, NULL) >= 0);
	CHECK(says(child_a, "ss -Hnt", "127.0.0.1:80"));
	CHECK(says(parent, "ss -Hnt", "127.0.0.1:80"));
	CHECK(!says(child_b, "ss -Hnt", "127.0.0.1:80"));
	CHECK(!says(child_b, "cat /proc/net/tcp", ":0050"));
}

/* The id that sock_diag gives for the first TCP socket of a port, -1 for none. */
static int listed_id(int ns, int port)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 wanted;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.wanted = {
			.sdiag_family = AF_INET,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0u,
			.id.idiag_sport = htons(port),
		},
	};
	int fd = open_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	char answer[8192];
	struct nlmsghdr *header = (void *)answer;
	struct rtattr *attribute;
	int left;

	CHECK(send(fd, &request, sizeof(request), 0) == sizeof(request));
	CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -1;
	attribute = (void *)((char *)NLMSG_DATA(header) +
			     NLMSG_ALIGN(sizeof(struct inet_diag_msg)));
	left = header->nlmsg_len - NLMSG_SPACE(sizeof(struct inet_diag_msg));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == INET_DIAG_L3NS_ID)
			return *(int *)RTA_DATA(attribute);
	return 0;
}

TEST(D11_sock_diag_says_whose_a_socket_is)
{
	uint32_t id;

	CHECK(!ioctl(child_a, NS_NET_L3_GET_ID, &id));
	listen_everywhere();
	EQUAL(listed_id(parent, 5001), 0);
	EQUAL(listed_id(parent, 5002), id);
	EQUAL(listed_id(child_a, 5002), id);
	EQUAL(listed_id(child_a, 5001), -1);
}

static int listen_abstractly(int ns, const char *name)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = open_socket(ns, AF_UNIX, SOCK_STREAM, 0);

	strcpy(where.sun_path + 1, name);
	EQUAL(result(bind(fd, (struct sockaddr *)&where,
			  offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))), 0);
	EQUAL(listen(fd, 1), 0);
	return fd;
}

TEST(D0_unix_sockets_are_listed_for_the_owner)
{
	static const char *const all[] = { "cat /proc/net/unix", "ss -Hxla" };

	listen_abstractly(parent, "of_the_host");
	listen_abstractly(child_a, "of_child_a");
	for (int i = 0; i < 2; i++) {
		CHECK(says(parent, all[i], "@of_the_host"));
		CHECK(says(parent, all[i], "@of_child_a"));
		CHECK(says(child_a, all[i], "@of_child_a"));
		CHECK(!says(child_a, all[i], "@of_the_host"));
		CHECK(!says(child_b, all[i], "@of_"));
	}
}

/* 0, or the error of asking unix_diag for one socket. */
static int ask_unix_diag(int ns, ino_t ino)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req wanted;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.wanted = {
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_ino = ino,
			.udiag_cookie = { ~0u, ~0u },
		},
	};
	int fd = open_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	char answer[4096];
	struct nlmsghdr *header = (void *)answer;
	struct nlmsgerr *error = NLMSG_DATA(header);

	CHECK(send(fd, &request, sizeof(request), 0) == sizeof(request));
	CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	return header->nlmsg_type == NLMSG_ERROR ? error->error : 0;
}

TEST(D0_a_unix_socket_of_anothers_doesnt_exist)
{
	int host = listen_abstractly(parent, "of_the_host");
	int inside = listen_abstractly(child_a, "of_child_a");

	EQUAL(ask_unix_diag(parent, inode(host)), 0);
	EQUAL(ask_unix_diag(parent, inode(inside)), 0);
	EQUAL(ask_unix_diag(child_a, inode(inside)), 0);
	EQUAL(ask_unix_diag(child_a, inode(host)), -ENOENT);
}

TEST(D4_local_routes_are_listed_for_the_owner)
{
	add_ipv6();
	CHECK(says(child_a, "ip route show table local", "local 10.0.0.2 "));
	CHECK(says(child_a, "ip route show table local", "127.0.0.0/8"));
	CHECK(!says(child_a, "ip route show table local", "local 10.0.0.1 "));
	CHECK(!says(child_a, "ip route show table local", "local 10.0.0.3 "));
	CHECK(says(child_a, "cat /proc/net/fib_trie", "-- 10.0.0.2\n"));
	CHECK(!says(child_a, "cat /proc/net/fib_trie", "-- 10.0.0.1\n"));
	CHECK(says(parent, "cat /proc/net/fib_trie", "-- 10.0.0.2\n"));
	CHECK(says(child_a, "ip -6 route show table local", "local 2001:db8::2 "));
	CHECK(says(child_a, "ip -6 route show table local", "local ::1 "));
	CHECK(!says(child_a, "ip -6 route show table local", "local 2001:db8::1 "));
	CHECK(!says(child_a, "ip -6 route show table local", "local fe80:"));
	CHECK(says(parent, "ip -6 route show table local", "local 2001:db8::2 "));
	CHECK(!says(child_a, "cat /proc/net/ipv6_route",
		    "20010db8000000000000000000000001 80"));
	CHECK(says(child_a, "cat /proc/net/ipv6_route",
		   "20010db8000000000000000000000002 80"));
	CHECK(says(parent, "cat /proc/net/ipv6_route",
		   "20010db8000000000000000000000002 80"));
}
