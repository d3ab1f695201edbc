// SPDX-License-Identifier: GPL-2.0
/* Who gets a packet: patches 10 to 12 and 17. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdlib.h>
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

EACH_FAMILY(D8_the_owner_of_the_destination_accepts)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, in->any, 80);
	EQUAL(who_accepts(peer, in->host, 80, servers, COUNT), 0);
	EQUAL(who_accepts(peer, in->a, 80, servers, COUNT), 1);
	EQUAL(who_accepts(peer, in->b, 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, in->b, 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, in->host, 80, servers, COUNT), 0);
	EQUAL(who_accepts(parent, in->a, 80, servers, COUNT), 1);
}

EACH_FAMILY(D8_the_owner_of_the_destination_receives)
{
	int servers[COUNT];

	serve(servers, SOCK_DGRAM, in->any, 53);
	EQUAL(who_receives(peer, in->host, 53, servers, COUNT), 1);
	EQUAL(who_receives(peer, in->a, 53, servers, COUNT), 2);
	EQUAL(who_receives(peer, in->b, 53, servers, COUNT), 4);
	EQUAL(who_receives(child_b, in->a, 53, servers, COUNT), 2);
}

TEST(D8_sockets_of_both_families_get_what_is_their_owners)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, "::", 80);
	EQUAL(who_accepts(peer, "10.0.0.2", 80, servers, COUNT), 1);
	EQUAL(who_accepts(peer, "10.0.0.3", 80, servers, COUNT), 2);
	serve(servers, SOCK_DGRAM, "::", 53);
	EQUAL(who_receives(peer, "10.0.0.3", 53, servers, COUNT), 4);
}

EACH_FAMILY(D8_no_one_answers_in_the_owners_place)
{
	int host = server(parent, SOCK_STREAM, in->any, 80);
	int fd = sock_in(in, peer, SOCK_DGRAM);
	char byte;

	EQUAL(who_accepts(peer, in->a, 80, &host, 1), -ECONNREFUSED);
	EQUAL(who_accepts(parent, in->a, 80, &host, 1), -ECONNREFUSED);
	server(parent, SOCK_DGRAM, in->any, 53);
	EQUAL(connect_to(fd, in->a, 53), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(result(recv(fd, &byte, 1, 0)), -ECONNREFUSED);
}

EACH_FAMILY(D8_a_pushed_address_leads_to_its_new_owner)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, in->any, 80);
	EQUAL(give(in->a, child_b), 0);
	EQUAL(who_accepts(peer, in->a, 80, servers, COUNT), 2);
	EQUAL(give(in->a, parent), 0);
	EQUAL(who_accepts(peer, in->a, 80, servers, COUNT), 0);
}

EACH_FAMILY(D8_with_syncookies)
{
	int servers[COUNT];

	EQUAL(command(parent, "echo 2 >/proc/sys/net/ipv4/tcp_syncookies"), 0);
	serve(servers, SOCK_STREAM, in->any, 80);
	EQUAL(who_accepts(peer, in->a, 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_a, in->b, 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_a, in->lo, 80, servers, COUNT), 1);
}

EACH_FAMILY(D8_without_early_demux)
{
	int servers[COUNT];

	EQUAL(command(parent, "echo 0 >/proc/sys/net/ipv4/ip_early_demux"), 0);
	serve(servers, SOCK_STREAM, in->any, 80);
	EQUAL(who_accepts(peer, in->b, 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_b, in->lo, 80, servers, COUNT), 2);
}

EACH_FAMILY(D8_a_connected_datagram_socket_loses_what_it_lost)
{
	int fd = sock_in(in, child_a, SOCK_DGRAM);
	int there = server(peer, SOCK_DGRAM, in->peer, 9);
	struct sockaddr_storage where;
	socklen_t size = endpoint(in->a, 7000, &where);

	EQUAL(bind_to(fd, in->a, 7000), 0);
	EQUAL(connect_to(fd, in->peer, 9), 0);
	EQUAL(sendto(there, "x", 1, 0, (void *)&where, size), 1);
	CHECK(readable(fd, 0));
	CHECK(recv(fd, &(char){ 0 }, 1, 0) == 1);
	EQUAL(give(in->a, child_b), 0);
	EQUAL(sendto(there, "x", 1, 0, (void *)&where, size), 1);
	CHECK(!readable(fd, 100));
}

EACH_FAMILY(D8_a_reuseport_group_is_of_one_namespace)
{
	int inside[2], outside, yes = 1;

	outside = sock_in(in, parent, SOCK_DGRAM);
	setsockopt(outside, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	EQUAL(bind_to(outside, in->any, 53), 0);
	for (int i = 0; i < 2; i++) {
		inside[i] = sock_in(in, child_a, SOCK_DGRAM);
		setsockopt(inside[i], SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
		EQUAL(bind_to(inside[i], in->any, 53), 0);
	}
	for (int i = 0; i < 32; i++) {
		EQUAL(who_receives(peer, in->host, 53, &outside, 1), 1);
		CHECK(who_receives(peer, in->a, 53, inside, 2) != 0);
		CHECK(!readable(outside, 0));
	}
}

EACH_FAMILY(D8_a_reuseport_group_accepts_for_one_namespace)
{
	int inside[2], outside, yes = 1;

	outside = sock_in(in, parent, SOCK_STREAM);
	setsockopt(outside, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	EQUAL(bind_to(outside, in->any, 80), 0);
	EQUAL(listen(outside, 8), 0);
	for (int i = 0; i < 2; i++) {
		inside[i] = sock_in(in, child_a, SOCK_STREAM);
		setsockopt(inside[i], SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
		EQUAL(bind_to(inside[i], in->any, 80), 0);
		EQUAL(listen(inside[i], 8), 0);
	}
	for (int i = 0; i < 32; i++) {
		EQUAL(who_accepts(peer, in->host, 80, &outside, 1), 0);
		CHECK(who_accepts(peer, in->a, 80, inside, 2) >= 0);
		CHECK(!readable(outside, 0));
	}
}

/* The parent's own hear of its neighbours in IPv6. */
EACH_FAMILY(D8_raw_sockets_hear_what_is_sent_to_their_owner)
{
	int owner = server(child_a, SOCK_RAW, in->any, 0);
	int sibling = server(child_c, SOCK_RAW, in->any, 0);
	int host = server(parent, SOCK_RAW, in->any, 0);

	EQUAL(command(peer, "ping -c 1 -W 5 %s", in->a), 0);
	CHECK(readable(owner, 0) && !readable(sibling, 0));
	CHECK(in == &ipv6 || !readable(host, 0));
}

EACH_FAMILY(D8_ping_works_in_a_child)
{
	EQUAL(command(child_a, "ping -c 1 -W 5 %s", in->peer), 0);
	EQUAL(command(child_a, "ping -c 1 -W 5 %s", in->host), 0);
	EQUAL(command(child_a, "ping -c 1 -W 5 %s", in->lo), 0);
	CHECK(command(child_c, "ping -c 1 -W 1 %s", in->peer) != 0);
	EQUAL(command(parent, "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"), 0);
	EQUAL(command(child_a, "setpriv --reuid 65534 --clear-groups "
		      "--bounding-set -all ping -c 1 -W 5 %s", in->peer), 0);
}

/* A lookup for which there is no packet. */
static int ask_sock_diag(int protocol, const char *address, int port)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 wanted;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.wanted = {
			.sdiag_family = AF_INET,
			.sdiag_protocol = protocol,
			.id = {
				.idiag_sport = htons(port),
				.idiag_src = { inet_addr(address) },
				.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
			},
		},
	};
	char answer[4096];
	struct nlmsghdr *header = (void *)answer;
	struct nlmsgerr *error = NLMSG_DATA(header);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	CHECK(fd >= 0);
	CHECK(send(fd, &request, sizeof(request), 0) == sizeof(request));
	CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
	close(fd);
	return header->nlmsg_type == NLMSG_ERROR ? error->error : 0;
}

TEST(D8_a_lookup_without_a_packet_is_by_the_destination)
{
	server(child_a, SOCK_STREAM, "0.0.0.0", 80);
	server(child_b, SOCK_STREAM, "127.0.0.1", 81);
	server(parent, SOCK_STREAM, "127.0.0.1", 82);
	EQUAL(ask_sock_diag(IPPROTO_TCP, "10.0.0.2", 80), 0);
	EQUAL(ask_sock_diag(IPPROTO_TCP, "10.0.0.1", 80), -ENOENT);
	EQUAL(ask_sock_diag(IPPROTO_TCP, "127.0.0.1", 81), -ENOENT);
	EQUAL(ask_sock_diag(IPPROTO_TCP, "127.0.0.1", 82), 0);
}

/* ---- loopback ----------------------------------------------------------- */

EACH_FAMILY(D10_loopback_is_isolated)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, in->lo, 80);
	EQUAL(who_accepts(parent, in->lo, 80, servers, COUNT), 0);
	EQUAL(who_accepts(child_a, in->lo, 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_b, in->lo, 80, servers, COUNT), 2);
	EQUAL(who_accepts(child_c, in->lo, 80, servers, COUNT), -ECONNREFUSED);
	serve(servers, SOCK_DGRAM, in->lo, 53);
	EQUAL(who_receives(parent, in->lo, 53, servers, COUNT), 1);
	EQUAL(who_receives(child_b, in->lo, 53, servers, COUNT), 4);
	EQUAL(who_receives(child_c, in->lo, 53, servers, COUNT), 0);
}

TEST(D10_a_wildcard_listener_has_its_own_loopback)
{
	int servers[COUNT];

	serve(servers, SOCK_STREAM, "0.0.0.0", 80);
	EQUAL(who_accepts(child_a, "127.0.0.1", 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_a, "127.3.2.1", 80, servers, COUNT), 1);
	EQUAL(who_accepts(child_b, "127.0.0.1", 80, servers, COUNT), 2);
}

EACH_FAMILY(D10_datagrams_to_closed_ports_are_refused)
{
	int fd = sock_in(in, child_a, SOCK_DGRAM);
	char byte;

	server(parent, SOCK_DGRAM, in->lo, 53);
	EQUAL(connect_to(fd, in->lo, 53), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(result(recv(fd, &byte, 1, 0)), -ECONNREFUSED);
}

/* The same four addresses twice, and each gets what is its own. */
EACH_FAMILY(D10_the_same_connection_in_two_namespaces)
{
	const int ns[2] = { child_a, child_b };
	int ends[2][2];
	char byte;

	for (int i = 0; i < 2; i++) {
		int listener = server(ns[i], SOCK_STREAM, in->lo, 80);

		ends[i][0] = sock_in(in, ns[i], SOCK_STREAM);
		EQUAL(bind_to(ends[i][0], in->lo, 4000), 0);
		EQUAL(connect_to(ends[i][0], in->lo, 80), 0);
		ends[i][1] = accept(listener, NULL, NULL);
		CHECK(ends[i][1] >= 0);
	}
	for (int i = 0; i < 2; i++) {
		EQUAL(send(ends[i][0], i ? "b" : "a", 1, 0), 1);
		EQUAL(recv(ends[i][1], &byte, 1, 0), 1);
		EQUAL(byte, i ? 'b' : 'a');
		EQUAL(send(ends[i][1], i ? "B" : "A", 1, 0), 1);
		EQUAL(recv(ends[i][0], &byte, 1, 0), 1);
		EQUAL(byte, i ? 'B' : 'A');
		CHECK(!readable(ends[!i][0], 0) && !readable(ends[!i][1], 0));
	}
	/* To the end of it: FIN, its ACK, TIME_WAIT. */
	for (int i = 0; i < 2; i++) {
		close(ends[i][0]);
		EQUAL(recv(ends[i][1], &byte, 1, 0), 0);
		close(ends[i][1]);
	}
}

/* How many of port 4000 it lists in TIME_WAIT. */
static int waiting(int ns)
{
	return atoi(output(ns, "cat /proc/net/tcp /proc/net/tcp6 | "
			   "grep -c ':0FA0 [0-9A-F]*:0050 06 '"));
}

/* Linux reuses a TIME_WAIT of the loopback when it is older than a second. */
static void connect_and_close(const struct family *in, int ns, int listener)
{
	int fd = sock_in(in, ns, SOCK_STREAM);
	int there, yes = 1, error;
	char byte;

	CHECK(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
	EQUAL(bind_to(fd, in->lo, 4000), 0);
	for (int waited_ms = 0; (error = connect_to(fd, in->lo, 80)) == -EADDRNOTAVAIL;
	     waited_ms += 50) {
		CHECK(waited_ms < 10000);
		usleep(50000);
	}
	EQUAL(error, 0);
	there = accept(listener, NULL, NULL);
	CHECK(there >= 0);
	close(fd);
	EQUAL(recv(there, &byte, 1, 0), 0);
	close(there);
}

EACH_FAMILY(D10_each_has_its_own_end_of_a_connection)
{
	const int ns[2] = { child_a, child_b };
	int listeners[2];

	for (int i = 0; i < 2; i++)
		listeners[i] = server(ns[i], SOCK_STREAM, in->lo, 80);
	for (int i = 0; i < 2; i++) {
		EQUAL(waiting(ns[i]), 0);
		connect_and_close(in, ns[i], listeners[i]);
		EQUAL(waiting(ns[i]), 1);
		EQUAL(waiting(parent), i + 1);
	}
	for (int i = 0; i < 2; i++)
		connect_and_close(in, ns[i], listeners[i]);
	EQUAL(waiting(child_a), 1);
	EQUAL(waiting(child_b), 1);
	EQUAL(waiting(child_c), 0);
}

EACH_FAMILY(D10_the_isolation_can_be_switched_off)
{
	int trusted = create(parent, NS_L3_SHARE_LO);
	int host = server(parent, SOCK_STREAM, in->lo, 111);
	int own;

	CHECK(trusted >= 0);
	EQUAL(who_accepts(child_a, in->lo, 111, &host, 1), -ECONNREFUSED);
	EQUAL(who_accepts(trusted, in->lo, 111, &host, 1), 0);
	own = server(trusted, SOCK_STREAM, in->lo, 111);
	EQUAL(who_accepts(trusted, in->lo, 111, &own, 1), 0);
	EQUAL(who_accepts(parent, in->lo, 111, &host, 1), 0);
	server(trusted, SOCK_STREAM, in->lo, 112);
	EQUAL(who_accepts(child_a, in->lo, 112, &own, 1), -ECONNREFUSED);
	CHECK(strstr(output(parent, "cat /proc/net/l3_ns"), "shared\n"));
}

static int connect_from(int ns, const char *own, const char *address)
{
	int fd = sock_in(family_of(own), ns, SOCK_DGRAM);
	int error;

	EQUAL(bind_to(fd, own, 0), 0);
	error = connect_to(fd, address, 53);
	close(fd);
	return error;
}

/* There it would pass for the receiver's own loopback. */
EACH_FAMILY(D10_a_loopback_source_doesnt_lead_out)
{
	int trusted = create(parent, NS_L3_SHARE_LO);

	EQUAL(connect_from(child_a, in->lo, in->host), -EADDRNOTAVAIL);
	EQUAL(connect_from(child_a, in->lo, in->b), -EADDRNOTAVAIL);
	EQUAL(connect_from(child_a, in->lo, in->peer),
	      in == &ipv6 ? -EADDRNOTAVAIL : -EINVAL); /* Linux's own rule */
	EQUAL(connect_from(child_a, in->lo, in->a), 0);
	EQUAL(connect_from(trusted, in->lo, in->host), 0);
	EQUAL(connect_from(trusted, in->lo, in->a), -EADDRNOTAVAIL);
	EQUAL(connect_from(parent, in->lo, in->host), 0);
}

/* ---- broadcast and multicast -------------------------------------------- */

static void serve_all(int *servers, int port)
{
	serve(servers, SOCK_DGRAM, "0.0.0.0", port);
	servers[3] = server(child_c, SOCK_DGRAM, "0.0.0.0", port);
}

TEST(D12_broadcasts_reach_the_parent_and_the_children)
{
	int servers[4];

	serve_all(servers, 67);
	EQUAL(who_receives(peer, "10.0.0.255", 67, servers, 3), 7);
	EQUAL(command(peer, "ip route add 255.255.255.255 dev e0"), 0);
	EQUAL(who_receives(peer, "255.255.255.255", 67, servers, 3), 7);
}

TEST(R4_but_only_those_with_an_address_there)
{
	int servers[4];

	add_e1();
	EQUAL(add_address("e1", "10.7.0.1", 16, child_c, 0), 0);
	serve_all(servers, 67);
	EQUAL(who_receives(peer, "10.0.0.255", 67, servers, 4), 7);
	EQUAL(give("10.0.0.3", child_c), 0);
	EQUAL(who_receives(peer, "10.0.0.255", 67, servers, 4), 1 | 2 | 8);
}

static void join(int fd, const struct family *in, const char *device)
{
	struct group_req wanted = { .gr_interface = if_nametoindex(device) };

	endpoint(in->group, 0, &wanted.gr_group);
	CHECK(setsockopt(fd, in == &ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 MCAST_JOIN_GROUP, &wanted, sizeof(wanted)) == 0);
}

static void serve_group(int *servers, const struct family *in, const char *device)
{
	const int ns[4] = { parent, child_a, child_b, child_c };

	for (int i = 0; i < 4; i++) {
		int yes = 1;

		servers[i] = sock_in(in, ns[i], SOCK_DGRAM);
		setsockopt(servers[i], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		EQUAL(bind_to(servers[i], in->any, 5353), 0);
		join(servers[i], in, device);
	}
}

EACH_FAMILY(D12_multicasts_for_those_with_an_address_there)
{
	int servers[4];

	EQUAL(command(peer, "ip route add multicast %s dev e0 table local", in->group), 0);
	serve_group(servers, in, "e0");
	EQUAL(who_receives(peer, in->group, 5353, servers, 4), 7);
	EQUAL(give(in->b, child_c), 0);
	EQUAL(who_receives(peer, in->group, 5353, servers, 4), 1 | 2 | 8);
}

EACH_FAMILY(D10_multicasts_on_loopback_are_isolated)
{
	int servers[4];

	EQUAL(command(parent, "ip route add %s %s dev lo table local",
		      in == &ipv6 ? "local" : "multicast", in->group), 0);
	serve_group(servers, in, "lo");
	EQUAL(who_receives(parent, in->group, 5353, servers, 4), 1);
	EQUAL(who_receives(child_a, in->group, 5353, servers, 4), 2);
	EQUAL(who_receives(child_b, in->group, 5353, servers, 4), 4);
}
