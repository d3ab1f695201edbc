// SPDX-License-Identifier: GPL-2.0
/* What a packet is sent from: patches 9 and 16. */
#define _GNU_SOURCE
#include "harness.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOURCE(ns, destination)	source(ns, SOCK_DGRAM, destination, 9)
#define SAME(got, wanted)	CHECK(!strcmp(got, wanted))

EACH_FAMILY(D7_each_sends_from_its_own_address)
{
	SAME(SOURCE(parent, in->peer), in->host);
	SAME(SOURCE(child_a, in->peer), in->a);
	SAME(SOURCE(child_b, in->peer), in->b);
	server(peer, SOCK_STREAM, in->peer, 80);
	SAME(source(child_a, SOCK_STREAM, in->peer, 80), in->a);
}

EACH_FAMILY(D7_without_an_address_there_is_no_route)
{
	EQUAL(connect_to(sock_in(in, child_c, SOCK_DGRAM), in->peer, 9), -EADDRNOTAVAIL);
	EQUAL(connect_to(sock_in(in, child_c, SOCK_STREAM), in->peer, 9), -EADDRNOTAVAIL);
}

EACH_FAMILY(D7_for_local_destinations_too)
{
	SAME(SOURCE(child_a, in->a), in->a);
	SAME(SOURCE(child_a, in->b), in->a);
	SAME(SOURCE(child_a, in->host), in->a);
	SAME(SOURCE(parent, in->a), in->host);
	SAME(SOURCE(parent, in->host), in->host);
	SAME(SOURCE(child_a, in->lo), in->lo);
	SAME(SOURCE(child_c, in->lo), in->lo);
}

/* The parent has a link-local address left in IPv6. */
EACH_FAMILY(D7_a_routes_preferred_source_is_for_its_owner)
{
	EQUAL(command(parent, "ip route add default via %s src %s", in->peer, in->host), 0);
	SAME(SOURCE(parent, in->far), in->host);
	SAME(SOURCE(child_a, in->far), in->a);
	EQUAL(give(in->host, child_c), 0);
	SAME(SOURCE(child_c, in->far), in->host);
	CHECK(strcmp(SOURCE(parent, in->far), in->host));
	CHECK(in == &ipv6 || !*SOURCE(parent, in->far));
}

TEST(D7_a_source_for_the_destinations_device)
{
	add_e1();
	EQUAL(add_address("e1", "10.7.0.1", 16, child_a, 0), 0);
	SAME(SOURCE(child_a, "10.7.0.7"), "10.7.0.1");
	SAME(SOURCE(child_a, "10.0.0.9"), "10.0.0.2");
	SAME(SOURCE(child_b, "10.7.0.7"), "10.0.0.3");
}

/* As the parent has one: of the gateway's subnet, and fit for where the route leads. */
TEST(D7_a_source_for_the_gateway)
{
	const char *const addresses[] = { "10.9.0.1/24 scope link", "10.8.0.1/24", "10.0.0.20/24" };
	const int owners[] = { parent, child_c };

	EQUAL(command(parent, "ip route add 192.0.2.0/24 via 10.0.0.9"), 0);
	EQUAL(command(parent, "ip route add 198.51.100.0/24 dev e0"), 0);
	EQUAL(give("10.0.0.1", child_b), 0);
	for (int i = 0; i < 3; i++)
		EQUAL(command(parent, "ip addr add %s dev e0", addresses[i]), 0);
	for (int i = 0; i < 2; i++) {
		EQUAL(give("10.8.0.1", owners[i]), 0);
		EQUAL(give("10.9.0.1", owners[i]), 0);
		EQUAL(give("10.0.0.20", owners[i]), 0);
		SAME(SOURCE(owners[i], "192.0.2.1"), "10.0.0.20");
		SAME(SOURCE(owners[i], "198.51.100.1"), "10.9.0.1");
		EQUAL(give("10.0.0.20", child_b), 0);
		SAME(SOURCE(owners[i], "192.0.2.1"), "10.8.0.1");
		SAME(SOURCE(owners[i], "10.9.0.7"), "10.9.0.1");
		EQUAL(give("10.8.0.1", child_b), 0);
		SAME(SOURCE(owners[i], "198.51.100.1"), "10.9.0.1");
	}
	SAME(SOURCE(child_c, "192.0.2.1"), "");
}

TEST(D7_the_cache_of_nexthops_follows_a_push)
{
	EQUAL(command(parent, "ip route add default via 10.0.0.9"), 0);
	SAME(SOURCE(parent, "192.0.2.1"), "10.0.0.1");
	EQUAL(add_address("e0", "10.0.0.20", 24, OWNER_NONE, 0), 0);
	EQUAL(give("10.0.0.1", child_a), 0);
	SAME(SOURCE(parent, "192.0.2.1"), "10.0.0.20");
	EQUAL(give("10.0.0.1", parent), 0);
}

/* A source of its own for each nexthop, whichever a destination is sent by. */
EACH_FAMILY(D7_with_several_nexthops_each_has_its_own_source)
{
	bool is_ipv6 = in == &ipv6;
	const char *beyond = is_ipv6 ? "2001:db8:9::" : "192.0.2.";
	const char *second = is_ipv6 ? "2001:db8:7::" : "10.7.0.";
	const int ns[3] = { parent, child_a, child_b };
	const char *const first[3] = { in->host, in->a, in->b };
	char address[64];

	add_e1();
	for (int i = 0; i < 3; i++) {
		snprintf(address, sizeof(address), "%s%d", second, i + 1);
		EQUAL(add_address("e1", address, in->prefix, i ? ns[i] : OWNER_NONE, 0), 0);
	}
	EQUAL(command(parent, "ip route add %s0/%d nexthop via %s dev e0 "
		      "nexthop via %s9 dev e1", beyond, in->prefix, in->peer, second), 0);
	/* IPv6 passes over a nexthop that it knows nothing of. */
	EQUAL(command(parent, "ip neigh add %s9 dev e1 lladdr 02:00:00:00:00:09", second), 0);
	for (int i = 0; i < 3; i++) {
		int by_first = 0, by_second = 0;
		char own[64];

		snprintf(own, sizeof(own), "%s%d", second, i + 1);
		for (int last = 1; last <= 64; last++) {
			const char *from;

			snprintf(address, sizeof(address), "%s%d", beyond, last);
			from = SOURCE(ns[i], address);
			by_first += !strcmp(from, first[i]);
			by_second += !strcmp(from, own);
		}
		EQUAL(by_first + by_second, 64);
		CHECK(by_first && by_second);
	}
	snprintf(address, sizeof(address), "%s1", beyond);
	SAME(SOURCE(child_c, address), "");
}

/* ---- by hand ------------------------------------------------------------ */

/* Names the source of one packet. */
static int send_from(int fd, const struct family *in, const char *address)
{
	union {
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr header;
	} control = { .space = { 0 } };
	struct in_pktinfo *ipv4_info = (void *)CMSG_DATA(&control.header);
	struct in6_pktinfo *ipv6_info = (void *)ipv4_info;
	struct sockaddr_storage where;
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_name = &where,
		.msg_namelen = endpoint(in->peer, 9, &where),
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
	};
	int size;

	if (in == &ipv6) {
		control.header.cmsg_level = IPPROTO_IPV6;
		control.header.cmsg_type = IPV6_PKTINFO;
		size = sizeof(*ipv6_info);
		CHECK(inet_pton(AF_INET6, address, &ipv6_info->ipi6_addr) == 1);
	} else {
		control.header.cmsg_level = IPPROTO_IP;
		control.header.cmsg_type = IP_PKTINFO;
		size = sizeof(*ipv4_info);
		ipv4_info->ipi_spec_dst.s_addr = inet_addr(address);
	}
	control.header.cmsg_len = CMSG_LEN(size);
	message.msg_controllen = CMSG_SPACE(size);
	return result(sendmsg(fd, &message, 0));
}

/* What is nobody's Linux itself refuses in IPv6. */
EACH_FAMILY(D7_no_source_of_anothers_by_pktinfo)
{
	const int unknown = in == &ipv6 ? -EINVAL : -EADDRNOTAVAIL;
	int fd = sock_in(in, child_a, SOCK_DGRAM);

	for (int connected = 0; connected < 2; connected++) {
		EQUAL(send_from(fd, in, in->a), 1);
		EQUAL(send_from(fd, in, in->host), -EADDRNOTAVAIL);
		EQUAL(send_from(fd, in, in->b), -EADDRNOTAVAIL);
		EQUAL(send_from(fd, in, in->far), unknown);
		EQUAL(connect_to(fd, in->peer, 9), 0);
	}
	EQUAL(send_from(sock_in(in, parent, SOCK_DGRAM), in, in->host), 1);
}

static int send_header(int ns, const char *address)
{
	struct sockaddr_in where = at("10.0.0.9", 0);
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} packet = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.ttl = 4,
			.protocol = IPPROTO_ICMP,
			.saddr = inet_addr(address),
			.daddr = inet_addr("10.0.0.9"),
		},
		.icmp.type = ICMP_ECHO,
	};
	int fd, yes = 1, error;

	fd = sock(ns, SOCK_RAW);
	CHECK(!setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &yes, sizeof(yes)));
	error = result(sendto(fd, &packet, sizeof(packet), 0,
			      (struct sockaddr *)&where, sizeof(where)));
	close(fd);
	return error;
}

TEST(D7_no_source_of_anothers_in_ones_own_header)
{
	EQUAL(send_header(child_a, "10.0.0.2") > 0, true);
	EQUAL(send_header(child_a, "0.0.0.0") > 0, true);
	EQUAL(send_header(child_a, "10.0.0.1"), -EADDRNOTAVAIL);
	EQUAL(send_header(child_a, "192.0.2.5"), -EADDRNOTAVAIL);
	EQUAL(send_header(parent, "192.0.2.5") > 0, true);
}

static int send_ipv6_header(int ns, const char *address)
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
	EQUAL(send_ipv6_header(child_a, "2001:db8::2") > 0, true);
	EQUAL(send_ipv6_header(child_a, "2001:db8::1"), -EADDRNOTAVAIL);
	EQUAL(send_ipv6_header(child_a, "2001:db8:9::5"), -EADDRNOTAVAIL);
	EQUAL(send_ipv6_header(parent, "2001:db8:9::5") > 0, true);
}

EACH_FAMILY(D7_a_socket_whose_address_went_sends_no_more)
{
	int fd = sock_in(in, child_a, SOCK_DGRAM);

	EQUAL(bind_to(fd, in->a, 7000), 0);
	EQUAL(connect_to(fd, in->peer, 9), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(give(in->a, child_b), 0);
	EQUAL(result(send(fd, "x", 1, 0)), -EADDRNOTAVAIL);
}

/* As after ip addr del: it lives, and goes on if the address comes back. */
EACH_FAMILY(D7_a_connection_whose_address_went_sends_no_more)
{
	int listener = server(peer, SOCK_STREAM, in->peer, 80);
	int fd = sock_in(in, child_a, SOCK_STREAM);
	int there;
	char byte;

	EQUAL(connect_to(fd, in->peer, 80), 0);
	there = accept(listener, NULL, NULL);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(recv(there, &byte, 1, 0), 1);
	EQUAL(give(in->a, child_b), 0);
	send(fd, "y", 1, 0);
	CHECK(!readable(there, 500));
	EQUAL(give(in->a, child_a), 0);
	CHECK(readable(there, 10000));
	EQUAL(recv(there, &byte, 1, 0), 1);
	EQUAL(byte, 'y');
}

EACH_FAMILY(D7_route_get_answers_for_the_one_who_asks)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "src %s ", in->a);
	CHECK(strstr(output(child_a, "ip route get %s", in->peer), wanted));
	snprintf(wanted, sizeof(wanted), "src %s ", in->host);
	CHECK(strstr(output(parent, "ip route get %s", in->peer), wanted));
}
