// SPDX-License-Identifier: GPL-2.0
/* What a child can't do, and abstract names: patches 4 and 5. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

TEST(D0_children_lose_net_admin)
{
	EQUAL(command(parent, "ip link set e0 mtu 1400"), 0);
	EQUAL(command(child_a, "ip link set e0 mtu 1300"), 2);
	EQUAL(command(child_a, "ip addr add 10.0.0.77/24 dev e0"), 2);
	EQUAL(command(child_a, "ip addr del 10.0.0.2/24 dev e0"), 2);
	EQUAL(command(child_a, "ip route add 10.1.0.0/16 via 10.0.0.9"), 2);
	EQUAL(command(child_a, "ip link add x0 type dummy"), 2);
	EQUAL(command(child_a, "ip rule add pref 7 table main"), 2);
	enter(child_a);
	EQUAL(give("10.0.0.1", child_a), -EPERM);
}

TEST(D0_the_parents_sysctls_are_read_only)
{
	EQUAL(command(child_a, "cat /proc/sys/net/ipv4/tcp_fin_timeout"), 0);
	EQUAL(command(child_a, "echo 33 >/proc/sys/net/ipv4/tcp_fin_timeout"), 1);
	EQUAL(command(child_a, "echo 1 >/proc/sys/net/ipv4/ip_forward"), 1);
	EQUAL(command(parent, "echo 33 >/proc/sys/net/ipv4/tcp_fin_timeout"), 0);
}

static void drop(int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	CHECK(syscall(SYS_capget, &header, sets) == 0);
	sets[0].effective &= ~(1u << capability);
	CHECK(syscall(SYS_capset, &header, sets) == 0);
}

static int set_mark(int ns)
{
	int fd = open_socket(ns, AF_INET, SOCK_DGRAM, 0);
	int mark = 7, error;

	enter(ns);
	error = result(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)));
	close(fd);
	return error;
}

/* Either capability will do in 6.12, and of the two a child has one at most. */
TEST(D0_a_child_sets_marks_by_net_raw_alone)
{
	EQUAL(set_mark(child_a), 0);
	drop(CAP_NET_RAW);
	EQUAL(set_mark(child_a), -EPERM);
	EQUAL(set_mark(parent), 0);
}

static int make_tap(int ns)
{
	struct ifreq wanted = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, error;

	enter(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	error = result(ioctl(fd, TUNSETIFF, &wanted));
	close(fd);
	return error;
}

TEST(D0_a_child_makes_no_tap_device)
{
	EQUAL(make_tap(child_a), -EPERM);
	EQUAL(make_tap(parent), 0);
}

TEST(D0_only_sockets_that_know_owners)
{
	EQUAL(open_socket(child_a, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), -EPERM);
	EQUAL(open_socket(child_a, AF_XDP, SOCK_RAW, 0), -EPERM);
	EQUAL(open_socket(child_a, AF_VSOCK, SOCK_STREAM, 0), -EAFNOSUPPORT);
	EQUAL(open_socket(child_a, AF_INET, SOCK_STREAM, IPPROTO_SCTP),
	      -EPROTONOSUPPORT);
	EQUAL(open_socket(child_a, AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
	      -EPROTONOSUPPORT);
	CHECK(open_socket(child_a, AF_INET, SOCK_STREAM, 0) >= 0);
	CHECK(open_socket(child_a, AF_INET, SOCK_DGRAM, 0) >= 0);
	CHECK(open_socket(child_a, AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	EQUAL(open_socket(child_a, AF_INET6, SOCK_STREAM, IPPROTO_SCTP),
	      -EPROTONOSUPPORT);
	EQUAL(open_socket(child_a, AF_INET6, SOCK_STREAM, IPPROTO_MPTCP),
	      -EPROTONOSUPPORT);
	CHECK(open_socket(child_a, AF_INET6, SOCK_STREAM, 0) >= 0);
	CHECK(open_socket(child_a, AF_INET6, SOCK_DGRAM, 0) >= 0);
	CHECK(open_socket(child_a, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) >= 0);
	CHECK(open_socket(child_a, AF_UNIX, SOCK_STREAM, 0) >= 0);
	CHECK(open_socket(child_a, AF_NETLINK, SOCK_RAW, 0) >= 0);
	CHECK(open_socket(parent, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) >= 0);
	CHECK(open_socket(parent, AF_XDP, SOCK_RAW, 0) >= 0);
	CHECK(open_socket(parent, AF_INET, SOCK_STREAM, IPPROTO_MPTCP) >= 0);
	CHECK(open_socket(parent, AF_INET6, SOCK_STREAM, 0) >= 0);
}

static socklen_t abstract(struct sockaddr_un *name)
{
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path, "\0shim", 5);
	return offsetof(struct sockaddr_un, sun_path) + 5;
}

TEST(abstract_names_are_kept_apart)
{
	struct sockaddr_un name;
	socklen_t size = abstract(&name);
	int host = open_socket(parent, AF_UNIX, SOCK_STREAM, 0);
	int inside = open_socket(child_a, AF_UNIX, SOCK_STREAM, 0);
	int client = open_socket(child_a, AF_UNIX, SOCK_STREAM, 0);

	EQUAL(result(bind(host, (struct sockaddr *)&name, size)), 0);
	EQUAL(listen(host, 1), 0);
	EQUAL(result(connect(client, (struct sockaddr *)&name, size)),
	      -ECONNREFUSED);
	EQUAL(result(bind(inside, (struct sockaddr *)&name, size)), 0);
	EQUAL(listen(inside, 1), 0);
	EQUAL(result(connect(client, (struct sockaddr *)&name, size)), 0);
	CHECK(readable(inside, 0) && !readable(host, 0));
}
