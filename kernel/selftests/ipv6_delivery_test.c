// SPDX-License-Identifier: GPL-2.0
/* Who gets an IPv6 packet: patches 17 and 18. */
#define _GNU_SOURCE
#include "harness.h"

#include <net/if.h>
#include <string.h>
#include <unistd.h>

#define COUNT	3

/* The parent's, child_a's and child_b's. */
static void serve(int *servers, int type, const char *address, int port)
{
	servers[0] = server(parent, type, address, port);
	servers[1] = server(child_a, type, address, port);
	servers[2] = server(child_b, type, address, port);
}

TEST(D8_the_owner_of_the_ipv6_destination_accepts)
{
	int servers[COUNT];

	add_ipv6();
	serve(servers, SOCK_STREAM, "::", 80);
	EQUAL(who_accepts(peer, "2001:db8::1", 80, servers, COUNT), 0);
	EQUAL(who_accepts(peer, "2001:db8::2", 80, servers, COUNT), 1);
	EQUAL(who_accepts(peer, "2001:db8::3", 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, "2001:db8::3", 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, "2001:db8::1", 80, servers, COUNT), 0);
	EQUAL(who_accepts(parent, "2001:db8::2", 80, servers, COUNT), 1);
	/* The same sockets, by IPv4. */
	EQUAL(who_accepts(peer, "10.0.0.2", 80, servers, COUNT), 1);
	EQUAL(who_accepts(peer, "10.0.0.3", 80, servers, COUNT), 2);
}

TEST(D8_the_owner_of_the_ipv6_destination_receives)
{
	int servers[COUNT];

	add_ipv6();
	serve(servers, SOCK_DGRAM, "::", 53);
	EQUAL(who_receives(peer, "2001:db8::1", 53, servers, COUNT), 1);
	EQUAL(who_receives(peer, "2001:db8::2", 53, servers, COUNT), 2);
	EQUAL(who_receives(child_b, "2001:db8::2", 53, servers, COUNT), 2);
	EQUAL(who_receives(peer, "10.0.0.3", 53, servers, COUNT), 4);
}

TEST(D8_no_one_answers_ipv6_in_the_owners_place)
{
	int host, fd;
	char byte;

	add_ipv6();
	host = server(parent, SOCK_STREAM, "::", 80);
	fd = sock6(peer, SOCK_DGRAM);
	EQUAL(who_accepts(peer, "2001:db8::2", 80, &host, 1), -ECONNREFUSED);
	EQUAL(who_accepts(parent, "2001:db8::2", 80, &host, 1), -ECONNREFUSED);
	server(parent, SOCK_DGRAM, "::", 53);
	EQUAL(connect_to(fd, "2001:db8::2", 53), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(result(recv(fd, &byte, 1, 0)), -ECONNREFUSED);
}

TEST(D8_a_pushed_ipv6_address_leads_to_its_new_owner)
{
	int servers[COUNT];

	add_ipv6();
	serve(servers, SOCK_STREAM, "::", 80);
	EQUAL(give("2001:db8::2", child_b), 0);
	EQUAL(who_accepts(peer, "2001:db8::2", 80, servers, COUNT), 2);
	EQUAL(give("2001:db8::2", parent), 0);
	EQUAL(who_accepts(peer, "2001:db8::2", 80, servers, COUNT), 0);
}

TEST(D8_ipv6_with_syncookies)
{
	int servers[COUNT];

	add_ipv6();
	EQUAL(command(parent, "echo 2 >/proc/sys/net/ipv4/tcp_syncookies"), 0);
	serve(servers, SOCK_STREAM, "::", 80);
	EQUAL(who_accepts(peer, "2001:db8::2", 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_a, "2001:db8::3", 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, "::1", 80, servers, COUNT), 1);
}

TEST(D8_ipv6_without_early_demux)
{
	int servers[COUNT];

	add_ipv6();
	EQUAL(command(parent, "echo 0 >/proc/sys/net/ipv4/ip_early_demux"), 0);
	serve(servers, SOCK_STREAM, "::", 80);
	EQUAL(who_accepts(peer, "2001:db8::3", 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_b, "::1", 80, servers, COUNT), 2);
}

TEST(D8_a_connected_ipv6_datagram_socket_loses_what_it_lost)
{
	struct sockaddr_storage where;
	socklen_t size = endpoint("2001:db8::2", 7000, &where);
	int fd, there;

	add_ipv6();
	fd = sock6(child_a, SOCK_DGRAM);
	there = server(peer, SOCK_DGRAM, "2001:db8::9", 9);
	EQUAL(bind_to(fd, "2001:db8::2", 7000), 0);
	EQUAL(connect_to(fd, "2001:db8::9", 9), 0);
	EQUAL(sendto(there, "x", 1, 0, (void *)&where, size), 1);
	CHECK(readable(fd, 0));
	CHECK(recv(fd, &(char){ 0 }, 1, 0) == 1);
	EQUAL(give("2001:db8::2", child_b), 0);
	EQUAL(sendto(there, "x", 1, 0, (void *)&where, size), 1);
	CHECK(!readable(fd, 100));
}

TEST(D8_an_ipv6_reuseport_group_is_of_one_namespace)
{
	int inside[2], outside, yes = 1;

	add_ipv6();
	outside = sock6(parent, SOCK_DGRAM);
	setsockopt(outside, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	EQUAL(bind_to(outside, "::", 53), 0);
	for (int i = 0; i < 2; i++) {
		inside[i] = sock6(child_a, SOCK_DGRAM);
		setsockopt(inside[i], SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
		EQUAL(bind_to(inside[i], "::", 53), 0);
	}
	for (int i = 0; i < 32; i++) {
		EQUAL(who_receives(peer, "2001:db8::1", 53, &outside, 1), 1);
		CHECK(who_receives(peer, "2001:db8::2", 53, inside, 2) != 0);
		CHECK(!readable(outside, 0));
	}
}

TEST(D8_raw_ipv6_sockets_hear_what_is_sent_to_their_owner)
{
	int inside, sibling;

	add_ipv6();
	inside = server(child_a, SOCK_RAW, "::", 0);
	sibling = server(child_c, SOCK_RAW, "::", 0);
	EQUAL(command(peer, "ping -c 1 -W 5 2001:db8::2"), 0);
	CHECK(readable(inside, 0));
	CHECK(!readable(sibling, 0));
}

TEST(D8_ipv6_ping_works_in_a_child)
{
	add_ipv6();
	EQUAL(command(child_a, "ping -c 1 -W 5 2001:db8::9"), 0);
	EQUAL(command(child_a, "ping -c 1 -W 5 2001:db8::1"), 0);
	EQUAL(command(child_a, "ping -c 1 -W 5 ::1"), 0);
	CHECK(command(child_c, "ping -c 1 -W 1 2001:db8::9") != 0);
	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	EQUAL(command(child_a, "setpriv --reuid 65534 --clear-groups "
		      "--bounding-set -all ping -c 1 -W 5 2001:db8::9"), 0);
}

/* ---- loopback ----------------------------------------------------------- */

TEST(D10_ipv6_loopback_is_isolated)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, "::1", 80);
	EQUAL(who_accepts(parent, "::1", 80, servers, COUNT), 0);
	EQUAL(who_accepts(child_a, "::1", 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_b, "::1", 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_c, "::1", 80, servers, COUNT), -ECONNREFUSED);
	serve(servers, SOCK_DGRAM, "::1", 53);
	EQUAL(who_receives(parent, "::1", 53, servers, COUNT), 1);
	EQUAL(who_receives(child_b, "::1", 53, servers, COUNT), 4);
	EQUAL(who_receives(child_c, "::1", 53, servers, COUNT), 0);
}

TEST(D10_ipv6_datagrams_to_closed_ports_are_refused)
{
	int fd = sock6(child_a, SOCK_DGRAM);
	char byte;

	server(parent, SOCK_DGRAM, "::1", 53);
	EQUAL(connect_to(fd, "::1", 53), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(result(recv(fd, &byte, 1, 0)), -ECONNREFUSED);
}

/* The same four addresses twice, and each gets what is its own. */
TEST(D10_the_same_ipv6_connection_in_two_namespaces)
{
	const int ns[2] = { child_a, child_b };
	int ends[2][2];
	char byte;

	for (int i = 0; i < 2; i++) {
		int listener = server(ns[i], SOCK_STREAM, "::1", 80);

		ends[i][0] = sock6(ns[i], SOCK_STREAM);
		EQUAL(bind_to(ends[i][0], "::1", 4000), 0);
		EQUAL(connect_to(ends[i][0], "::1", 80), 0);
		ends[i][1] = accept(listener, NULL, NULL);
		CHECK(ends[i][1] >= 0);
	}
	for (int i = 0; i < 2; i++) {
		EQUAL(send(ends[i][0], i ? "b" : "a", 1, 0), 1);
		EQUAL(recv(ends[i][1], &byte, 1, 0), 1);
		EQUAL(byte, i ? 'b' : 'a');
		CHECK(!readable(ends[!i][0], 0) && !readable(ends[!i][1], 0));
	}
	/* To the end of it: FIN, its ACK, TIME_WAIT. */
	for (int i = 0; i < 2; i++) {
		close(ends[i][0]);
		EQUAL(recv(ends[i][1], &byte, 1, 0), 0);
		close(ends[i][1]);
	}
}

TEST(D10_the_isolation_of_ipv6_can_be_switched_off)
{
	int trusted = create(parent, NS_L3_SHARE_LO);
	int host = server(parent, SOCK_STREAM, "::1", 111);
	int own;

	CHECK(trusted >= 0);
	EQUAL(who_accepts(child_a, "::1", 111, &host, 1), -ECONNREFUSED);
	EQUAL(who_accepts(trusted, "::1", 111, &host, 1), 0);
	own = server(trusted, SOCK_STREAM, "::1", 111);
	EQUAL(who_accepts(trusted, "::1", 111, &own, 1), 0);
	EQUAL(who_accepts(parent, "::1", 111, &host, 1), 0);
}

static int connect_from(int ns, const char *own, const char *address)
{
	int fd = sock6(ns, SOCK_DGRAM);
	int error;

	EQUAL(bind_to(fd, own, 0), 0);
	error = connect_to(fd, address, 53);
	close(fd);
	return error;
}

/* There it would pass for the receiver's own loopback. */
TEST(D10_an_ipv6_loopback_source_doesnt_lead_out)
{
	int trusted = create(parent, NS_L3_SHARE_LO);

	add_ipv6();
	EQUAL(connect_from(child_a, "::1", "2001:db8::1"), -EADDRNOTAVAIL);
	EQUAL(connect_from(child_a, "::1", "2001:db8::3"), -EADDRNOTAVAIL);
	EQUAL(connect_from(child_a, "::1", "2001:db8::9"), -EADDRNOTAVAIL);
	EQUAL(connect_from(child_a, "::1", "2001:db8::2"), 0);
	EQUAL(connect_from(trusted, "::1", "2001:db8::1"), 0);
	EQUAL(connect_from(trusted, "::1", "2001:db8::2"), -EADDRNOTAVAIL);
	EQUAL(connect_from(parent, "::1", "2001:db8::1"), 0);
}

/* ---- multicast ---------------------------------------------------------- */

static void serve_group(int *servers, const char *device)
{
	const int ns[4] = { parent, child_a, child_b, child_c };
	struct ipv6_mreq group = { .ipv6mr_interface = if_nametoindex(device) };

	CHECK(inet_pton(AF_INET6, "ff05::fb", &group.ipv6mr_multiaddr) == 1);
	for (int i = 0; i < 4; i++) {
		int yes = 1;

		servers[i] = sock6(ns[i], SOCK_DGRAM);
		setsockopt(servers[i], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		EQUAL(bind_to(servers[i], "::", 5353), 0);
		CHECK(setsockopt(servers[i], IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP,
				 &group, sizeof(group)) == 0);
	}
}

TEST(D12_ipv6_multicasts_for_those_with_an_address_there)
{
	int servers[4];

	add_ipv6();
	EQUAL(command(peer, "ip -6 route add ff05::/16 dev e0 table local"), 0);
	serve_group(servers, "e0");
	EQUAL(who_receives(peer, "ff05::fb", 5353, servers, 4), 7);
	EQUAL(give("2001:db8::3", child_c), 0);
	EQUAL(who_receives(peer, "ff05::fb", 5353, servers, 4), 1 | 2 | 8);
}

TEST(D10_ipv6_multicasts_on_loopback_are_isolated)
{
	int servers[4];

	EQUAL(command(parent, "ip -6 route add local ff05::/16 dev lo"), 0);
	serve_group(servers, "lo");
	EQUAL(who_receives(parent, "ff05::fb", 5353, servers, 4), 1);
	EQUAL(who_receives(child_a, "ff05::fb", 5353, servers, 4), 2);
	EQUAL(who_receives(child_b, "ff05::fb", 5353, servers, 4), 4);
}
