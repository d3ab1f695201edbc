// SPDX-License-Identifier: GPL-2.0
/* What a socket can be bound to, and what is in use: patch 8. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <unistd.h>

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };

static int try_bind(int ns, int type, const char *address)
{
	int fd = sock(ns, type);
	int error = bind_to(fd, address, 0);

	close(fd);
	return error;
}

static int with_option(int ns, int option, const char *address)
{
	int fd = sock(ns, SOCK_STREAM);
	int yes = 1;
	int error;

	CHECK(setsockopt(fd, IPPROTO_IP, option, &yes, sizeof(yes)) == 0);
	error = bind_to(fd, address, 0);
	close(fd);
	return error;
}

TEST(D6_a_child_binds_to_its_own_addresses)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "10.0.0.2"), 0);
		EQUAL(try_bind(child_a, types[i], "0.0.0.0"), 0);
		EQUAL(try_bind(child_a, types[i], "127.0.0.1"), 0);
		EQUAL(try_bind(child_a, types[i], "127.0.0.9"), 0);
		EQUAL(try_bind(child_c, types[i], "127.0.0.1"), 0);
		EQUAL(try_bind(child_c, types[i], "0.0.0.0"), 0);
	}
}

TEST(D6_a_child_binds_to_no_others)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "10.0.0.1"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], "10.0.0.3"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], "10.9.9.9"), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_c, types[i], "10.0.0.2"), -EADDRNOTAVAIL);
	}
}

TEST(D6_broadcast_and_multicast_addresses)
{
	for (int i = 1; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "224.0.0.251"), 0);
		EQUAL(try_bind(child_a, types[i], "255.255.255.255"), 0);
		EQUAL(try_bind(child_a, types[i], "10.0.0.255"), 0);
		EQUAL(try_bind(child_c, types[i], "10.0.0.255"), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], "10.0.0.255"), 0);
	}
}

TEST(D6_no_switch_lets_a_child_bind_to_anothers)
{
	EQUAL(with_option(child_a, IP_FREEBIND, "10.0.0.1"), -EADDRNOTAVAIL);
	EQUAL(with_option(child_a, IP_FREEBIND, "10.9.9.9"), -EADDRNOTAVAIL);
	EQUAL(with_option(child_a, IP_TRANSPARENT, "10.0.0.3"), -EADDRNOTAVAIL);
	EQUAL(command(parent, "echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind"), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(try_bind(child_a, types[i], "10.0.0.1"), -EADDRNOTAVAIL);
}

TEST(D6_the_parent_is_refused_a_pushed_address)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(parent, types[i], "10.0.0.1"), 0);
		EQUAL(try_bind(parent, types[i], "10.0.0.2"), -EADDRNOTAVAIL);
	}
	EQUAL(with_option(parent, IP_FREEBIND, "10.0.0.2"), 0);
	EQUAL(give("10.0.0.2", parent), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(try_bind(parent, types[i], "10.0.0.2"), 0);
}

TEST(D6_ping_sockets_too)
{
	int fd;

	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	enter(child_a);
	fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK(fd >= 0);
	EQUAL(bind_to(fd, "10.0.0.1", 0), -EADDRNOTAVAIL);
	EQUAL(bind_to(fd, "10.0.0.3", 0), -EADDRNOTAVAIL);
	EQUAL(bind_to(fd, "10.0.0.2", 0), 0);
}

TEST(D0_all_listen_on_the_same_port)
{
	static const char any[] = "0.0.0.0";

	for (int i = 0; i < 2; i++) {
		server(parent, types[i], any, 80);
		server(child_a, types[i], any, 80);
		server(child_b, types[i], any, 80);
	}
}

TEST(D0_one_port_once_in_a_namespace)
{
	for (int i = 0; i < 2; i++) {
		server(child_a, types[i], "0.0.0.0", 80);
		EQUAL(bind_to(sock(child_a, types[i]), "10.0.0.2", 80), -EADDRINUSE);
		EQUAL(bind_to(sock(child_a, types[i]), "0.0.0.0", 80), -EADDRINUSE);
		server(parent, types[i], "0.0.0.0", 80);
		EQUAL(bind_to(sock(parent, types[i]), "0.0.0.0", 80), -EADDRINUSE);
	}
}

/* Section 9, pitfall 2: the bucket remembers that its owners may share. */
TEST(D0_a_childs_reuseport_opens_nothing_in_the_parent)
{
	int yes = 1;
	int inside = sock(child_a, SOCK_STREAM);
	int second = sock(parent, SOCK_STREAM);

	server(parent, SOCK_STREAM, "0.0.0.0", 80);
	CHECK(!setsockopt(inside, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)));
	CHECK(!setsockopt(second, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)));
	EQUAL(bind_to(inside, "0.0.0.0", 80), 0);
	EQUAL(bind_to(second, "0.0.0.0", 80), -EADDRINUSE);
}
