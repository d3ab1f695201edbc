// SPDX-License-Identifier: GPL-2.0
/* The same with IPv6: whose an address is, bind, and sources: patches 13 to 16. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>
#include <unistd.h>

#define SOURCE(ns, destination)	source(ns, SOCK_DGRAM, destination, 9)
#define SAME(got, wanted)	CHECK(!strcmp(got, wanted))

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };

/* ---- addresses ---------------------------------------------------------- */

static bool shows(int ns, const char *what)
{
	return strstr(output(ns, "ip -6 -o addr show"), what);
}

static bool proc_shows(int ns, const char *what)
{
	return strstr(output(ns, "cat /proc/net/if_inet6"), what);
}

TEST(D4_a_namespace_sees_its_own_ipv6_addresses)
{
	add_ipv6();
	CHECK(shows(child_a, "2001:db8::2/64"));
	CHECK(!shows(child_a, "2001:db8::1/64"));
	CHECK(!shows(child_a, "2001:db8::3/64"));
	CHECK(!shows(child_a, "fe80:"));
	CHECK(!shows(child_c, "2001:db8::"));
	CHECK(proc_shows(child_a, "20010db8000000000000000000000002"));
	CHECK(!proc_shows(child_a, "20010db8000000000000000000000001"));
}

TEST(D9_ipv6_loopback_is_always_visible)
{
	CHECK(shows(child_c, "::1/128"));
	CHECK(proc_shows(child_c, "00000000000000000000000000000001"));
}

TEST(R2_the_parent_sees_a_pushed_ipv6_address_by_netlink_only)
{
	add_ipv6();
	CHECK(shows(parent, "2001:db8::1/64") && shows(parent, "2001:db8::2/64"));
	CHECK(proc_shows(parent, "20010db8000000000000000000000001"));
	CHECK(!proc_shows(parent, "20010db8000000000000000000000002"));
}

TEST(D5_ipv6_pushed_pulled_and_pushed_again)
{
	add_ipv6();
	EQUAL(give("2001:db8::2", child_b), 0);
	CHECK(shows(child_b, "2001:db8::2/64") && !shows(child_a, "2001:db8::2/64"));
	EQUAL(give("2001:db8::2", parent), 0);
	CHECK(!shows(child_b, "2001:db8::2/64"));
	EQUAL(command(parent, "ip addr replace 2001:db8::3/64 dev e0"), 0);
	CHECK(shows(child_b, "2001:db8::3/64"));
}

TEST(D5_errors_of_an_ipv6_push)
{
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	add_ipv6();
	EQUAL(give("2001:db8::2", 1000), -EBADF);
	EQUAL(give("2001:db8::2", uts), -EINVAL);
	EQUAL(give("2001:db8::2", peer), -EXDEV);
	EQUAL(add_address("e0", "2001:db8::2", 64, child_b, 0), -EEXIST);
	EQUAL(add_address("none", "2001:db8::2", 64, child_b, 0), -ENODEV);
	EQUAL(add_address("lo", "::1", 128, child_a, NLM_F_REPLACE), -EINVAL);
	CHECK(shows(child_a, "2001:db8::2/64"));
	enter(child_a);
	EQUAL(give("2001:db8::1", child_a), -EPERM);
}

TEST(D5_one_owner_for_an_ipv6_address_on_two_devices)
{
	add_ipv6();
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
	EQUAL(add_address("e1", "2001:db8::2", 128, OWNER_NONE, 0), -EADDRINUSE);
	EQUAL(add_address("e1", "2001:db8::2", 128, child_b, 0), -EADDRINUSE);
	EQUAL(add_address("e1", "2001:db8::2", 128, child_a, 0), 0);
	EQUAL(give("2001:db8::2", child_b), -EADDRINUSE);
}

TEST(D5_all_ipv6_go_back_at_the_childs_death)
{
	add_ipv6();
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
	EQUAL(add_address("e1", "2001:db8::2", 128, child_a, 0), 0);
	EQUAL(add_address("e1", "2001:db8:5::1", 64, child_a, 0), 0);
	close(child_a);
	for (int i = 0; !proc_shows(parent, "20010db8000500000000000000000001") ||
	     !proc_shows(parent, "20010db8000000000000000000000002"); i++) {
		CHECK(i < 1000);
		usleep(10000);
	}
	CHECK(!proc_shows(parent, "20010db8000000000000000000000003"));
	EQUAL(give("2001:db8::1", child_b), 0);
}

static int monitor(int ns)
{
	struct sockaddr_nl where = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV6_IFADDR,
	};
	int fd = open_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

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

TEST(D4_ipv6_messages_are_for_those_who_see_the_address)
{
	int host, a, b;

	add_ipv6();
	host = monitor(parent);
	a = monitor(child_a);
	b = monitor(child_b);
	EQUAL(give("2001:db8::2", child_b), 0);
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), RTM_DELADDR);
	EQUAL(next_message(b), RTM_NEWADDR);
	EQUAL(next_message(a), 0);
	EQUAL(command(parent, "ip addr del 2001:db8::2/64 dev e0"), 0);
	EQUAL(next_message(host), RTM_DELADDR);
	EQUAL(next_message(a), 0);
	EQUAL(next_message(b), RTM_DELADDR);
}

/* ---- bind --------------------------------------------------------------- */

static int try_bind(int ns, int type, const char *address)
{
	int fd = sock6(ns, type);
	int error = bind_to(fd, address, 0);

	close(fd);
	return error;
}

TEST(D6_a_child_binds_to_its_own_ipv6_addresses)
{
	add_ipv6();
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "2001:db8::2"), 0);
		EQUAL(try_bind(child_a, types[i], "::"), 0);
		EQUAL(try_bind(child_a, types[i], "::1"), 0);
		EQUAL(try_bind(child_c, types[i], "::1"), 0);
		EQUAL(try_bind(child_a, types[i], "2001:db8::1"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], "2001:db8::3"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], "2001:db8::77"), -EADDRNOTAVAIL);
	}
	EQUAL(try_bind(child_a, SOCK_DGRAM, "ff05::1"), 0);
}

TEST(D6_mapped_addresses_have_the_owner_of_the_ipv4_address)
{
	for (int i = 0; i < 2; i++) {
		EQUAL(try_bind(child_a, types[i], "::ffff:10.0.0.2"), 0);
		EQUAL(try_bind(child_a, types[i], "::ffff:10.0.0.1"), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], "::ffff:10.0.0.2"), -EADDRNOTAVAIL);
	}
}

TEST(D6_no_switch_lets_a_child_bind_to_anothers_ipv6_address)
{
	int fd, yes = 1;

	add_ipv6();
	fd = sock6(child_a, SOCK_STREAM);
	CHECK(!setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes)));
	EQUAL(bind_to(fd, "2001:db8::1", 0), -EADDRNOTAVAIL);
	EQUAL(command(parent, "echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind"), 0);
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "2001:db8::1"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], "2001:db8::77"), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], "2001:db8::77"), 0);
	}
}

TEST(D6_the_parent_is_refused_a_pushed_ipv6_address)
{
	add_ipv6();
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(parent, types[i], "2001:db8::1"), 0);
		EQUAL(try_bind(parent, types[i], "2001:db8::2"), -EADDRNOTAVAIL);
	}
}

TEST(D6_ipv6_ping_sockets_too)
{
	int fd;

	add_ipv6();
	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	fd = open_socket(child_a, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	CHECK(fd >= 0);
	EQUAL(bind_to(fd, "2001:db8::1", 0), -EADDRNOTAVAIL);
	EQUAL(bind_to(fd, "2001:db8::2", 0), 0);
}

TEST(D0_all_listen_on_the_same_ipv6_port)
{
	for (int i = 0; i < 2; i++) {
		server(parent, types[i], "::", 80);
		server(child_a, types[i], "::", 80);
		server(child_b, types[i], "::", 80);
		EQUAL(bind_to(sock6(child_a, types[i]), "::1", 80), -EADDRINUSE);
	}
}

/* A socket of both families is in the way of its own namespace only. */
TEST(D0_both_families_share_the_ports_of_a_namespace)
{
	for (int i = 0; i < 2; i++) {
		server(child_a, types[i], "::", 80);
		EQUAL(bind_to(sock(child_a, types[i]), "0.0.0.0", 80), -EADDRINUSE);
		EQUAL(bind_to(sock(child_a, types[i]), "10.0.0.2", 80), -EADDRINUSE);
		server(parent, types[i], "0.0.0.0", 80);
		server(child_b, types[i], "0.0.0.0", 80);
		EQUAL(bind_to(sock6(child_b, types[i]), "::", 80), -EADDRINUSE);
		EQUAL(bind_to(sock6(child_b, types[i]), "::1", 80), 0);
	}
}

/* ---- sources ------------------------------------------------------------ */

TEST(D7_each_sends_from_its_own_ipv6_address)
{
	add_ipv6();
	SAME(SOURCE(parent, "2001:db8::9"), "2001:db8::1");
	SAME(SOURCE(child_a, "2001:db8::9"), "2001:db8::2");
	SAME(SOURCE(child_b, "2001:db8::9"), "2001:db8::3");
	server(peer, SOCK_STREAM, "2001:db8::9", 80);
	SAME(source(child_a, SOCK_STREAM, "2001:db8::9", 80), "2001:db8::2");
	EQUAL(connect_to(sock6(child_c, SOCK_DGRAM), "2001:db8::9", 9), -EADDRNOTAVAIL);
	EQUAL(connect_to(sock6(child_c, SOCK_STREAM), "2001:db8::9", 9), -EADDRNOTAVAIL);
}

TEST(D7_for_local_ipv6_destinations_too)
{
	add_ipv6();
	SAME(SOURCE(child_a, "2001:db8::2"), "2001:db8::2");
	SAME(SOURCE(child_a, "2001:db8::3"), "2001:db8::2");
	SAME(SOURCE(child_a, "2001:db8::1"), "2001:db8::2");
	SAME(SOURCE(parent, "2001:db8::2"), "2001:db8::1");
	SAME(SOURCE(child_a, "::1"), "::1");
	SAME(SOURCE(child_c, "::1"), "::1");
}

TEST(D7_an_ipv6_routes_preferred_source_is_for_its_owner)
{
	add_ipv6();
	EQUAL(command(parent, "ip route add default via 2001:db8::9 src 2001:db8::1"), 0);
	SAME(SOURCE(parent, "2001:db8:9::1"), "2001:db8::1");
	SAME(SOURCE(child_a, "2001:db8:9::1"), "2001:db8::2");
	EQUAL(give("2001:db8::1", child_c), 0);
	SAME(SOURCE(child_c, "2001:db8:9::1"), "2001:db8::1");
	CHECK(strcmp(SOURCE(parent, "2001:db8:9::1"), "2001:db8::1"));
	CHECK(strstr(output(child_a, "ip route get 2001:db8::9"), "src 2001:db8::2"));
	CHECK(strstr(output(child_c, "ip route get 2001:db8::9"), "src 2001:db8::1"));
}

static int send_from(int fd, const char *address)
{
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct sockaddr_storage where;
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_name = &where,
		.msg_namelen = endpoint("2001:db8::9", 9, &where),
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct in6_pktinfo info = { 0 };

	CHECK(inet_pton(AF_INET6, address, &info.ipi6_addr) == 1);
	header->cmsg_level = IPPROTO_IPV6;
	header->cmsg_type = IPV6_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(header), &info, sizeof(info));
	return result(sendmsg(fd, &message, 0));
}

TEST(D7_no_ipv6_source_of_anothers_by_pktinfo)
{
	int fd;

	add_ipv6();
	fd = sock6(child_a, SOCK_DGRAM);
	for (int connected = 0; connected < 2; connected++) {
		EQUAL(send_from(fd, "2001:db8::2"), 1);
		EQUAL(send_from(fd, "2001:db8::1"), -EADDRNOTAVAIL);
		EQUAL(send_from(fd, "2001:db8::3"), -EADDRNOTAVAIL);
		EQUAL(connect_to(fd, "2001:db8::9", 9), 0);
	}
	EQUAL(send_from(sock6(parent, SOCK_DGRAM), "2001:db8::1"), 1);
}

static int send_header(int ns, const char *address)
{
	struct sockaddr_storage where;
	socklen_t size = endpoint("2001:db8::9", 0, &where);
	struct {
		struct ip6_hdr ip;
		struct icmp6_hdr icmp;
	} packet = {
		.ip.ip6_vfc = 0x60,
		.ip.ip6_plen = htons(sizeof(struct icmp6_hdr)),
		.ip.ip6_nxt = IPPROTO_ICMPV6,
		.ip.ip6_hlim = 4,
		.icmp.icmp6_type = ICMP6_ECHO_REQUEST,
	};
	int fd = open_socket(ns, AF_INET6, SOCK_RAW, IPPROTO_RAW);
	int yes = 1, error;

	CHECK(fd >= 0);
	CHECK(inet_pton(AF_INET6, address, &packet.ip.ip6_src) == 1);
	CHECK(inet_pton(AF_INET6, "2001:db8::9", &packet.ip.ip6_dst) == 1);
	CHECK(!setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &yes, sizeof(yes)));
	error = result(sendto(fd, &packet, sizeof(packet), 0,
			      (struct sockaddr *)&where, size));
	close(fd);
	return error;
}

TEST(D7_no_ipv6_source_of_anothers_in_ones_own_header)
{
	add_ipv6();
	EQUAL(send_header(child_a, "2001:db8::2") > 0, true);
	EQUAL(send_header(child_a, "2001:db8::1"), -EADDRNOTAVAIL);
	EQUAL(send_header(child_a, "2001:db8:9::5"), -EADDRNOTAVAIL);
	EQUAL(send_header(parent, "2001:db8:9::5") > 0, true);
}

TEST(D7_a_socket_whose_ipv6_address_went_sends_no_more)
{
	int fd;

	add_ipv6();
	fd = sock6(child_a, SOCK_DGRAM);
	EQUAL(bind_to(fd, "2001:db8::2", 7000), 0);
	EQUAL(connect_to(fd, "2001:db8::9", 9), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(give("2001:db8::2", child_b), 0);
	EQUAL(result(send(fd, "x", 1, 0)), -EADDRNOTAVAIL);
}
