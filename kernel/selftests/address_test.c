// SPDX-License-Identifier: GPL-2.0
/* Whose an address is, and who sees it: patches 6 and 7. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool shows(int ns, const char *what)
{
	return strstr(output(ns, "ip -4 -o addr show"), what);
}

static bool is_secondary(const char *address)
{
	return strstr(output(parent, "ip -4 -o addr show to %s", address),
		      "secondary");
}

/* SIOCGIFCONF, as ifconfig asks. */
static bool ioctl_shows(int ns, const char *address)
{
	struct ifreq interfaces[16];
	struct ifconf all = {
		.ifc_len = sizeof(interfaces),
		.ifc_req = interfaces,
	};
	int fd = sock(ns, SOCK_DGRAM);
	bool found = false;

	enter(ns);
	CHECK(ioctl(fd, SIOCGIFCONF, &all) == 0);
	enter(parent);
	for (unsigned int i = 0; i < all.ifc_len / sizeof(*interfaces); i++) {
		struct sockaddr_in *own = (void *)&interfaces[i].ifr_addr;

		if (own->sin_addr.s_addr == inet_addr(address))
			found = true;
	}
	close(fd);
	return found;
}

TEST(D4_a_namespace_sees_its_own_addresses)
{
	CHECK(shows(child_a, "10.0.0.2/24"));
	CHECK(!shows(child_a, "10.0.0.1/24"));
	CHECK(!shows(child_a, "10.0.0.3/24"));
	CHECK(!shows(child_c, "10.0.0."));
	CHECK(ioctl_shows(child_a, "10.0.0.2"));
	CHECK(!ioctl_shows(child_a, "10.0.0.1"));
	CHECK(!ioctl_shows(child_b, "10.0.0.2"));
}

TEST(D9_loopback_is_always_visible)
{
	CHECK(shows(child_a, "127.0.0.1/8"));
	CHECK(shows(child_c, "127.0.0.1/8"));
	CHECK(ioctl_shows(child_c, "127.0.0.1"));
}

TEST(R2_the_parent_sees_a_pushed_address_by_netlink_only)
{
	CHECK(shows(parent, "10.0.0.1/24"));
	CHECK(shows(parent, "10.0.0.2/24"));
	CHECK(ioctl_shows(parent, "10.0.0.1"));
	CHECK(!ioctl_shows(parent, "10.0.0.2"));
}

TEST(D5_pushed_pulled_and_pushed_again)
{
	EQUAL(give("10.0.0.2", child_b), 0);
	CHECK(shows(child_b, "10.0.0.2/24") && !shows(child_a, "10.0.0.2/24"));
	EQUAL(give("10.0.0.2", parent), 0);
	CHECK(!shows(child_b, "10.0.0.2/24"));
	CHECK(ioctl_shows(parent, "10.0.0.2"));
	EQUAL(give("10.0.0.2", child_a), 0);
	EQUAL(give("10.0.0.2", child_a), 0);
	CHECK(shows(child_a, "10.0.0.2/24"));
}

TEST(D5_errors_of_a_push)
{
	int other, uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	EQUAL(give("10.0.0.2", 1000), -EBADF);
	EQUAL(give("10.0.0.2", uts), -EINVAL);
	EQUAL(give("10.0.0.2", open("/dev/null", O_RDONLY)), -EINVAL);
	EQUAL(give("10.0.0.2", peer), -EXDEV);
	other = create(peer, 0);
	CHECK(other >= 0);
	EQUAL(give("10.0.0.2", other), -EXDEV);
	EQUAL(add_address("e0", "10.0.0.2", 24, child_b, 0), -EEXIST);
	EQUAL(add_address("none", "10.0.0.2", 24, child_b, 0), -ENODEV);
	EQUAL(add_address("lo", "127.0.0.1", 8, child_a, NLM_F_REPLACE), -EINVAL);
	CHECK(shows(child_a, "10.0.0.2/24"));
}

TEST(D5_one_owner_for_an_address_on_two_devices)
{
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
	EQUAL(add_address("e1", "10.0.0.2", 32, OWNER_NONE, 0), -EADDRINUSE);
	EQUAL(add_address("e1", "10.0.0.2", 32, child_b, 0), -EADDRINUSE);
	EQUAL(add_address("e1", "10.0.0.2", 32, child_a, 0), 0);
	EQUAL(give("10.0.0.2", child_b), -EADDRINUSE);
}

TEST(D5_replace_without_the_attribute_keeps_the_owner)
{
	EQUAL(command(parent, "ip addr replace 10.0.0.2/24 dev e0"), 0);
	CHECK(shows(child_a, "10.0.0.2/24"));
}

TEST(D5_all_go_back_at_the_childs_death)
{
	EQUAL(add_address("e0", "10.0.0.20", 24, child_a, 0), 0);
	EQUAL(add_address("e0", "10.5.0.1", 16, child_a, 0), 0);
	close(child_a);
	for (int i = 0; !ioctl_shows(parent, "10.5.0.1") ||
	     !ioctl_shows(parent, "10.0.0.20") ||
	     !ioctl_shows(parent, "10.0.0.2"); i++) {
		CHECK(i < 1000);
		usleep(10000);
	}
	CHECK(!ioctl_shows(parent, "10.0.0.3"));
}

TEST(D5_a_device_that_goes_takes_its_addresses_along)
{
	EQUAL(command(parent, "ip link del e0"), 0);
	CHECK(!shows(child_a, "10.0.0.2"));
	close(child_a);
	CHECK(!shows(parent, "10.0.0."));
}

TEST(R1_whole_sets_of_addresses)
{
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
	EQUAL(add_address("e1", "10.6.0.1", 16, child_c, 0), 0);
	EQUAL(add_address("e1", "10.6.0.2", 16, child_c, 0), 0);
	EQUAL(add_address("e0", "10.0.0.30", 24, child_c, 0), 0);
	CHECK(shows(child_c, "10.6.0.1/16"));
	CHECK(shows(child_c, "10.6.0.2/16"));
	CHECK(shows(child_c, "10.0.0.30/24"));
	CHECK(!shows(child_a, "10.6.0."));
	EQUAL(bind_to(sock(child_c, SOCK_STREAM), "10.6.0.2", 80), 0);
	EQUAL(bind_to(sock(child_c, SOCK_STREAM), "10.0.0.30", 80), 0);
}

TEST(D4_secondary_to_a_primary_of_the_same_owner)
{
	CHECK(!is_secondary("10.0.0.1"));
	CHECK(!is_secondary("10.0.0.2"));
	EQUAL(add_address("e0", "10.0.0.20", 24, child_a, 0), 0);
	CHECK(is_secondary("10.0.0.20"));
	EQUAL(give("10.0.0.20", child_c), 0);
	CHECK(!is_secondary("10.0.0.20"));
	EQUAL(give("10.0.0.20", parent), 0);
	CHECK(is_secondary("10.0.0.20"));
}

TEST(D4_the_end_of_the_hosts_primary_leaves_the_childs)
{
	EQUAL(add_address("e0", "10.0.0.20", 24, OWNER_NONE, 0), 0);
	EQUAL(command(parent, "ip addr del 10.0.0.1/24 dev e0"), 0);
	CHECK(shows(child_a, "10.0.0.2/24") && shows(child_b, "10.0.0.3/24"));
	CHECK(!shows(parent, "10.0.0.20"));
	CHECK(!strcmp(source(child_a, SOCK_DGRAM, "10.0.0.9", 9), "10.0.0.2"));
	EQUAL(command(peer, "ping -c 1 -W 5 10.0.0.2"), 0);
}

TEST(D4_a_primary_that_is_pushed_leaves_an_heir)
{
	EQUAL(add_address("e0", "10.0.0.20", 24, OWNER_NONE, 0), 0);
	EQUAL(add_address("e0", "10.0.0.21", 24, OWNER_NONE, 0), 0);
	EQUAL(command(parent, "ip route add default via 10.0.0.9"), 0);
	EQUAL(give("10.0.0.1", child_c), 0);
	CHECK(!is_secondary("10.0.0.1") && !is_secondary("10.0.0.20"));
	CHECK(is_secondary("10.0.0.21"));
	CHECK(!strcmp(source(parent, SOCK_DGRAM, "10.0.0.9", 9), "10.0.0.20"));
	CHECK(strstr(output(parent, "ip route"), "default via 10.0.0.9"));
	EQUAL(command(peer, "ping -c 1 -W 5 10.0.0.1 && ping -c 1 -W 5 10.0.0.21"), 0);

	/* And home again, where the heir is the primary. */
	EQUAL(give("10.0.0.1", parent), 0);
	CHECK(is_secondary("10.0.0.1"));
	EQUAL(command(parent, "ip addr flush dev e0"), 0);
	CHECK(!strstr(output(parent, "ip route show table all"), "10.0.0."));
}

/* ---- messages ----------------------------------------------------------- */

static int monitor(int ns)
{
	struct sockaddr_nl where = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR,
	};
	int fd;

	enter(ns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	enter(parent);
	CHECK(bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0);
	return fd;
}

static int next_message(int fd)
{
	char buffer[4096];
	struct nlmsghdr *header = (void *)buffer;

	if (!readable(fd, 0))
		return 0;
	CHECK(recv(fd, buffer, sizeof(buffer), 0) > 0);
	return header->nlmsg_type;
}

TEST(D4_messages_are_for_those_who_see_the_address)
{
	int host = monitor(parent), a = monitor(child_a), b = monitor(child_b);

	EQUAL(add_address("e0", "10.0.0.20", 24, child_a, 0), 0);
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), RTM_NEWADDR);
	EQUAL(next_message(b), 0);

	EQUAL(give("10.0.0.20", child_b), 0);
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), RTM_DELADDR);
	EQUAL(next_message(b), RTM_NEWADDR);
	EQUAL(next_message(a), 0);
	EQUAL(next_message(host), 0);

	EQUAL(command(parent, "ip addr add 10.0.0.40/24 dev e0"), 0);
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), 0);
}
