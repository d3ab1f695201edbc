// SPDX-License-Identifier: GPL-2.0
/* Giving addresses to owners, and asking who sees them. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IFA_L3NS_FD	12
#define IFA_L3NS_ID	13

const struct family ipv4 = {
	.number = AF_INET, .prefix = 24,
	.host = "10.0.0.1", .a = "10.0.0.2", .b = "10.0.0.3",
	.spare = "10.0.0.20", .peer = "10.0.0.9", .any = "0.0.0.0",
	.lo = "127.0.0.1", .far = "192.0.2.1", .group = "224.0.0.251",
};

const struct family ipv6 = {
	.number = AF_INET6, .prefix = 64,
	.host = "2001:db8::1", .a = "2001:db8::2", .b = "2001:db8::3",
	.spare = "2001:db8::20", .peer = "2001:db8::9", .any = "::",
	.lo = "::1", .far = "2001:db8:9::1", .group = "ff05::fb",
};

struct address_request {
	struct nlmsghdr header;
	struct ifaddrmsg message;
	char attributes[256];
};

static void add_attribute(struct address_request *request, int type,
			  const void *data, int size)
{
	struct rtattr *attribute =
		(void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static int ask_rtnetlink(const struct nlmsghdr *header)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;

	CHECK(fd >= 0);
	CHECK(send(fd, header, header->nlmsg_len, 0) == header->nlmsg_len);
	CHECK(recv(fd, &answer, sizeof(answer), 0) > 0);
	close(fd);
	EQUAL(answer.header.nlmsg_type, NLMSG_ERROR);
	return answer.error.error;
}

const struct family *family_of(const char *address)
{
	return strchr(address, ':') ? &ipv6 : &ipv4;
}

static int add_owned(const char *device, const char *address, int prefix,
		     const int *owners, int count, int flags)
{
	int family = family_of(address)->number;
	int size = family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	struct address_request request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = RTM_NEWADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		},
		.message = {
			.ifa_family = family,
			.ifa_prefixlen = prefix,
			.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
			.ifa_index = if_nametoindex(device),
		},
	};
	struct in6_addr local;

	CHECK(inet_pton(family, address, &local) == 1);
	add_attribute(&request, IFA_LOCAL, &local, size);
	add_attribute(&request, IFA_ADDRESS, &local, size);
	for (int i = 0; i < count; i++)
		add_attribute(&request, IFA_L3NS_FD, &owners[i], sizeof(*owners));
	return ask_rtnetlink(&request.header);
}

int add_address(const char *device, const char *address, int prefix, int owner,
		int flags)
{
	return add_owned(device, address, prefix, &owner, owner != OWNER_NONE,
			 flags);
}

int share(const char *address, const int *owners, int count)
{
	return add_owned("e0", address, family_of(address)->prefix, owners,
			 count, NLM_F_REPLACE);
}

int give(const char *address, int owner)
{
	return share(address, &owner, 1);
}

/* iproute2 doesn't know IFA_L3NS_ID. */
static int ids_in(const struct nlmsghdr *header, const char *address,
		  uint32_t *ids, int size)
{
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	struct rtattr *attribute = IFA_RTA(message);
	int left = IFA_PAYLOAD(header), count = 0;
	struct in6_addr wanted;
	bool found = false;

	CHECK(inet_pton(message->ifa_family, address, &wanted) == 1);
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == IFA_ADDRESS)
			found = !memcmp(RTA_DATA(attribute), &wanted,
					RTA_PAYLOAD(attribute));
		if (attribute->rta_type == IFA_L3NS_ID && count < size)
			memcpy(&ids[count++], RTA_DATA(attribute), sizeof(*ids));
	}
	return found ? count : -1;
}

int owners_of(const char *address, uint32_t *ids, int size)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg message;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.message.ifa_family = family_of(address)->number,
	};
	int fd = open_socket(parent, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int found = -1;
	bool done = false;
	char buffer[16384];

	CHECK(send(fd, &request, sizeof(request), 0) == sizeof(request));
	while (!done) {
		int length = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *header = (void *)buffer;

		CHECK(length > 0);
		for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
			done = header->nlmsg_type == NLMSG_DONE;
			if (!done && found < 0)
				found = ids_in(header, address, ids, size);
		}
	}
	close(fd);
	return found;
}

bool shows(int ns, const char *address)
{
	char wanted[INET6_ADDRSTRLEN + 3];

	snprintf(wanted, sizeof(wanted), " %s/", address);
	return strstr(output(ns, "ip -o addr show"), wanted);
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

static bool proc_shows(int ns, const char *address)
{
	char text[2 * sizeof(struct in6_addr) + 1];
	struct in6_addr wanted;

	CHECK(inet_pton(AF_INET6, address, &wanted) == 1);
	for (unsigned int i = 0; i < sizeof(wanted); i++)
		sprintf(text + 2 * i, "%02x", wanted.s6_addr[i]);
	return strstr(output(ns, "cat /proc/net/if_inet6"), text);
}

bool shows_without_ids(int ns, const char *address)
{
	return family_of(address) == &ipv6 ? proc_shows(ns, address) :
					     ioctl_shows(ns, address);
}

void await_return(const char *address)
{
	for (int waited_ms = 0; !shows_without_ids(parent, address); waited_ms += 10) {
		CHECK(waited_ms < 10000);
		usleep(10000);
	}
}

int monitor(int ns, const struct family *in)
{
	struct sockaddr_nl where = {
		.nl_family = AF_NETLINK,
		.nl_groups = in == &ipv6 ? RTMGRP_IPV6_IFADDR : RTMGRP_IPV4_IFADDR,
	};
	int fd = open_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	CHECK(bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0);
	return fd;
}

int next_message(int fd)
{
	char buffer[4096];
	struct nlmsghdr *header = (void *)buffer;

	if (!readable(fd, 0))
		return 0;
	CHECK(recv(fd, buffer, sizeof(buffer), 0) > 0);
	return header->nlmsg_type;
}

void add_e1(void)
{
	EQUAL(command(parent, "ip link add e1 type dummy && ip link set e1 up"), 0);
}

void add_ipv6(void)
{
	EQUAL(command(parent, "ip addr add 2001:db8::1/64 dev e0 nodad && "
		      "ip addr add 2001:db8::2/64 dev e0 nodad && "
		      "ip addr add 2001:db8::3/64 dev e0 nodad"), 0);
	EQUAL(command(peer, "ip addr add 2001:db8::9/64 dev e0 nodad"), 0);
	EQUAL(give("2001:db8::2", child_a), 0);
	EQUAL(give("2001:db8::3", child_b), 0);
	/* A worker enters the routes to them; then the neighbours are known too. */
	for (int last = 1; last <= 3; last++)
		EQUAL(command(peer, "for i in {1..20}; do "
			      "ping -c 1 -W 1 2001:db8::%d && exit 0; done; exit 1",
			      last), 0);
}
