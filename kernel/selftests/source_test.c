// SPDX-License-Identifier: GPL-2.0
/* What a packet is sent from: patch 9. */
#define _GNU_SOURCE
#include "harness.h"

#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define SOURCE(ns, destination)	source(ns, SOCK_DGRAM, destination, 9)
#define SAME(got, wanted)	CHECK(!strcmp(got, wanted))

TEST(D7_each_sends_from_its_own_address)
{
	int there = server(peer, SOCK_STREAM, "10.0.0.9", 80);

	SAME(SOURCE(parent, "10.0.0.9"), "10.0.0.1");
	SAME(SOURCE(child_a, "10.0.0.9"), "10.0.0.2");
	SAME(SOURCE(child_b, "10.0.0.9"), "10.0.0.3");
	SAME(SOURCE(child_c, "10.0.0.9"), "");
	SAME(source(child_a, SOCK_STREAM, "10.0.0.9", 80), "10.0.0.2");
	close(there);
}

TEST(D7_without_an_address_there_is_no_route)
{
	EQUAL(connect_to(sock(child_c, SOCK_DGRAM), "10.0.0.9", 9), -EADDRNOTAVAIL);
	EQUAL(connect_to(sock(child_c, SOCK_STREAM), "10.0.0.9", 9), -EADDRNOTAVAIL);
}

TEST(D7_for_local_destinations_too)
{
	SAME(SOURCE(child_a, "10.0.0.2"), "10.0.0.2");
	SAME(SOURCE(child_a, "10.0.0.3"), "10.0.0.2");
	SAME(SOURCE(child_a, "10.0.0.1"), "10.0.0.2");
	SAME(SOURCE(parent, "10.0.0.2"), "10.0.0.1");
	SAME(SOURCE(parent, "10.0.0.1"), "10.0.0.1");
	SAME(SOURCE(child_a, "127.0.0.1"), "127.0.0.1");
	SAME(SOURCE(child_c, "127.0.0.1"), "127.0.0.1");
}

TEST(D7_a_routes_preferred_source_is_for_its_owner)
{
	EQUAL(command(parent, "ip route add default via 10.0.0.9 src 10.0.0.1"), 0);
	SAME(SOURCE(parent, "192.0.2.1"), "10.0.0.1");
	SAME(SOURCE(child_a, "192.0.2.1"), "10.0.0.2");
	EQUAL(give("10.0.0.1", child_c), 0);
	SAME(SOURCE(parent, "192.0.2.1"), "");
	SAME(SOURCE(child_c, "192.0.2.1"), "10.0.0.1");
}

TEST(D7_a_source_for_the_destinations_device)
{
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
	EQUAL(add_address("e1", "10.7.0.1", 16, child_a, 0), 0);
	SAME(SOURCE(child_a, "10.7.0.7"), "10.7.0.1");
	SAME(SOURCE(child_a, "10.0.0.9"), "10.0.0.2");
	SAME(SOURCE(child_b, "10.7.0.7"), "10.0.0.3");
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

/* IP_PKTINFO names a source for one packet. */
static int send_from(int ns, const char *address)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct sockaddr_in where = at("10.0.0.9", 9);
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_name = &where,
		.msg_namelen = sizeof(where),
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = inet_addr(address) };
	int fd = sock(ns, SOCK_DGRAM);
	int error;

	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(header), &info, sizeof(info));
	error = result(sendmsg(fd, &message, 0));
	close(fd);
	return error;
}

TEST(D7_no_source_of_anothers_by_pktinfo)
{
	EQUAL(send_from(child_a, "10.0.0.2"), 1);
	EQUAL(send_from(child_a, "10.0.0.1"), -EADDRNOTAVAIL);
	EQUAL(send_from(child_a, "10.0.0.3"), -EADDRNOTAVAIL);
	EQUAL(send_from(child_a, "10.9.9.9"), -EADDRNOTAVAIL);
	EQUAL(send_from(parent, "10.0.0.1"), 1);
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

TEST(D7_a_socket_whose_address_went_sends_no_more)
{
	int fd = sock(child_a, SOCK_DGRAM);

	EQUAL(bind_to(fd, "10.0.0.2", 7000), 0);
	EQUAL(connect_to(fd, "10.0.0.9", 9), 0);
	EQUAL(send(fd, "x", 1, 0), 1);
	EQUAL(give("10.0.0.2", child_b), 0);
	EQUAL(result(send(fd, "x", 1, 0)), -EADDRNOTAVAIL);
}

TEST(D7_route_get_answers_for_the_one_who_asks)
{
	CHECK(strstr(output(child_a, "ip route get 10.0.0.9"), "src 10.0.0.2"));
	CHECK(strstr(output(parent, "ip route get 10.0.0.9"), "src 10.0.0.1"));
}
