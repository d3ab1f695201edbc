// SPDX-License-Identifier: GPL-2.0
/* What a socket can be bound to, and what is in use: patches 8 and 15. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/in6.h>
#include <unistd.h>

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW };

static int with_option(int ns, int level, int option, const char *address)
{
	int fd = sock_in(family_of(address), ns, SOCK_STREAM);
	int yes = 1;
	int error;

	CHECK(setsockopt(fd, level, option, &yes, sizeof(yes)) == 0);
	error = bind_to(fd, address, 0);
	close(fd);
	return error;
}

EACH_FAMILY(D6_a_child_binds_to_its_own_addresses)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], in->a), 0);
		EQUAL(try_bind(child_a, types[i], in->any), 0);
		EQUAL(try_bind(child_a, types[i], in->lo), 0);
		EQUAL(try_bind(child_c, types[i], in->lo), 0);
		EQUAL(try_bind(child_c, types[i], in->any), 0);
	}
	EQUAL(try_bind(child_a, SOCK_DGRAM, in->group), 0);
}

EACH_FAMILY(D6_a_child_binds_to_no_others)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], in->host), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], in->b), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], in->far), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_c, types[i], in->a), -EADDRNOTAVAIL);
	}
}

TEST(D6_mapped_addresses_have_the_owner_of_the_ipv4_address)
{
	for (int i = 0; i < 2; i++) {
		EQUAL(try_bind(child_a, types[i], "::ffff:10.0.0.2"), 0);
		EQUAL(try_bind(child_a, types[i], "::ffff:10.0.0.1"), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], "::ffff:10.0.0.2"), -EADDRNOTAVAIL);
	}
}

TEST(D6_broadcast_and_multicast_addresses)
{
	for (int i = 1; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], "127.0.0.9"), 0);
		EQUAL(try_bind(child_a, types[i], "224.0.0.251"), 0);
		EQUAL(try_bind(child_a, types[i], "255.255.255.255"), 0);
		EQUAL(try_bind(child_a, types[i], "10.0.0.255"), 0);
		EQUAL(try_bind(child_c, types[i], "10.0.0.255"), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], "10.0.0.255"), 0);
	}
}

EACH_FAMILY(D6_no_switch_lets_a_child_bind_to_anothers)
{
	int level = in == &ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int freebind = in == &ipv6 ? IPV6_FREEBIND : IP_FREEBIND;
	int transparent = in == &ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT;

	EQUAL(with_option(child_a, level, freebind, in->host), -EADDRNOTAVAIL);
	EQUAL(with_option(child_a, level, freebind, in->far), -EADDRNOTAVAIL);
	EQUAL(with_option(child_a, level, transparent, in->b), -EADDRNOTAVAIL);
	EQUAL(command(parent, "echo 1 | tee /proc/sys/net/ipv[46]/ip_nonlocal_bind"), 0);
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(child_a, types[i], in->host), -EADDRNOTAVAIL);
		EQUAL(try_bind(child_a, types[i], in->far), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], in->far), 0);
	}
}

EACH_FAMILY(D6_the_parent_is_refused_a_pushed_address)
{
	for (int i = 0; i < 3; i++) {
		EQUAL(try_bind(parent, types[i], in->host), 0);
		EQUAL(try_bind(parent, types[i], in->a), -EADDRNOTAVAIL);
	}
	EQUAL(with_option(parent, in == &ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  in == &ipv6 ? IPV6_FREEBIND : IP_FREEBIND, in->a), 0);
	EQUAL(give(in->a, parent), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(try_bind(parent, types[i], in->a), 0);
}

EACH_FAMILY(D6_ping_sockets_too)
{
	int icmp = in == &ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd;

	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	fd = open_socket(child_a, in->number, SOCK_DGRAM, icmp);
	CHECK(fd >= 0);
	EQUAL(bind_to(fd, in->host, 0), -EADDRNOTAVAIL);
	EQUAL(bind_to(fd, in->b, 0), -EADDRNOTAVAIL);
	EQUAL(bind_to(fd, in->a, 0), 0);
}

EACH_FAMILY(D0_all_listen_on_the_same_port)
{
	for (int i = 0; i < 2; i++) {
		server(parent, types[i], in->any, 80);
		server(child_a, types[i], in->any, 80);
		server(child_b, types[i], in->any, 80);
	}
}

EACH_FAMILY(D0_one_port_once_in_a_namespace)
{
	for (int i = 0; i < 2; i++) {
		server(child_a, types[i], in->any, 80);
		EQUAL(bind_to(sock_in(in, child_a, types[i]), in->a, 80), -EADDRINUSE);
		EQUAL(bind_to(sock_in(in, child_a, types[i]), in->lo, 80), -EADDRINUSE);
		EQUAL(bind_to(sock_in(in, child_a, types[i]), in->any, 80), -EADDRINUSE);
		server(parent, types[i], in->any, 80);
		EQUAL(bind_to(sock_in(in, parent, types[i]), in->any, 80), -EADDRINUSE);
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

/* It closes first, so what is left of the connection is at its end. */
static void leave_behind(const struct family *in, int ns, int port, int listener,
			 bool whole)
{
	int fd = sock_in(in, ns, SOCK_STREAM);
	int there;
	char byte;

	EQUAL(bind_to(fd, in->a, port), 0);
	EQUAL(connect_to(fd, in->peer, 80), 0);
	there = accept(listener, NULL, NULL);
	CHECK(there >= 0);
	close(fd);
	EQUAL(recv(there, &byte, 1, 0), 0);
	if (whole)
		close(there);
}

/* In the state TIME_WAIT (06) and FIN_WAIT2 (05). */
static bool is_left(const char *port, const char *state)
{
	return command(parent, "cat /proc/net/tcp /proc/net/tcp6 | "
		       "grep -q ':%s [0-9A-F]*:0050 %s '", port, state) == 0;
}

EACH_FAMILY(D5_what_a_dead_child_leaves_is_not_in_the_way)
{
	int listener = server(peer, SOCK_STREAM, in->peer, 80);

	leave_behind(in, child_a, 7000, listener, true);
	leave_behind(in, child_a, 7001, listener, false);
	CHECK(is_left("1B58", "06") && is_left("1B59", "05"));
	close(child_a);
	await_return(in->a);
	CHECK(is_left("1B58", "06") && is_left("1B59", "05"));
	for (int port = 7000; port <= 7001; port++) {
		int fd = sock_in(in, parent, SOCK_STREAM);

		EQUAL(bind_to(fd, in->a, port), 0);
		EQUAL(result(listen(fd, 1)), 0);
	}
}
