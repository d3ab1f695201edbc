// SPDX-License-Identifier: GPL-2.0
/* Whose an address is, and who sees it: patches 6, 7, 13 and 14. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

static bool is_secondary(const char *address)
{
	return strstr(output(parent, "ip -4 -o addr show to %s", address),
		      "secondary");
}

EACH_FAMILY(D4_a_namespace_sees_its_own_addresses)
{
	CHECK(shows(child_a, in->a));
	CHECK(!shows(child_a, in->host));
	CHECK(!shows(child_a, in->b));
	CHECK(!shows(child_a, "fe80:"));
	CHECK(!shows(child_c, in->a));
	CHECK(shows_without_ids(child_a, in->a));
	CHECK(!shows_without_ids(child_a, in->host));
	CHECK(!shows_without_ids(child_b, in->a));
}

/* SIOCGIFADDR: 0, or a negative errno. */
static int ask_for_address(int ns, const char *device, struct in_addr *address)
{
	struct ifreq wanted = { 0 };
	int fd = sock(ns, SOCK_DGRAM), error;

	strcpy(wanted.ifr_name, device);
	enter(ns);
	error = result(ioctl(fd, SIOCGIFADDR, &wanted));
	enter(parent);
	*address = ((struct sockaddr_in *)&wanted.ifr_addr)->sin_addr;
	close(fd);
	return error;
}

TEST(D4_a_device_has_for_each_the_address_of_its_own)
{
	const int ns[3] = { parent, child_a, child_b };
	const char *const own[3] = { ipv4.host, ipv4.a, ipv4.b };
	struct in_addr address;

	for (int i = 0; i < 3; i++) {
		EQUAL(ask_for_address(ns[i], "e0", &address), 0);
		EQUAL(address.s_addr, inet_addr(own[i]));
	}
	EQUAL(ask_for_address(child_c, "e0", &address), -EADDRNOTAVAIL);
	EQUAL(ask_for_address(child_c, "lo", &address), 0);
	EQUAL(address.s_addr, inet_addr("127.0.0.1"));
}

EACH_FAMILY(D9_loopback_is_always_visible)
{
	CHECK(shows(child_a, in->lo) && shows(child_c, in->lo));
	CHECK(shows_without_ids(child_c, in->lo));
}

EACH_FAMILY(R2_the_parent_sees_a_pushed_address_by_netlink_only)
{
	CHECK(shows(parent, in->host) && shows(parent, in->a));
	CHECK(shows_without_ids(parent, in->host));
	CHECK(!shows_without_ids(parent, in->a));
}

EACH_FAMILY(D5_pushed_pulled_and_pushed_again)
{
	EQUAL(give(in->a, child_b), 0);
	CHECK(shows(child_b, in->a) && !shows(child_a, in->a));
	EQUAL(give(in->a, parent), 0);
	CHECK(!shows(child_b, in->a));
	CHECK(shows_without_ids(parent, in->a));
	EQUAL(give(in->a, child_a), 0);
	EQUAL(give(in->a, child_a), 0);
	CHECK(shows(child_a, in->a));
}

EACH_FAMILY(D5_errors_of_a_push)
{
	int other, uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	EQUAL(give(in->a, 1000), -EBADF);
	EQUAL(give(in->a, uts), -EINVAL);
	EQUAL(give(in->a, open("/dev/null", O_RDONLY)), -EINVAL);
	EQUAL(give(in->a, peer), -EXDEV);
	other = create(peer, 0);
	CHECK(other >= 0);
	EQUAL(give(in->a, other), -EXDEV);
	EQUAL(add_address("e0", in->a, in->prefix, child_b, 0), -EEXIST);
	EQUAL(add_address("none", in->a, in->prefix, child_b, 0), -ENODEV);
	EQUAL(add_address("lo", in->lo, in == &ipv6 ? 128 : 8, child_a,
			  NLM_F_REPLACE), -EINVAL);
	CHECK(shows(child_a, in->a));
	enter(child_a);
	EQUAL(give(in->host, child_a), -EPERM);
}

EACH_FAMILY(D5_one_owner_for_an_address_on_two_devices)
{
	int whole = in == &ipv6 ? 128 : 32;

	add_e1();
	EQUAL(add_address("e1", in->a, whole, OWNER_NONE, 0), -EADDRINUSE);
	EQUAL(add_address("e1", in->a, whole, child_b, 0), -EADDRINUSE);
	EQUAL(add_address("e1", in->a, whole, child_a, 0), 0);
	EQUAL(give(in->a, child_b), -EADDRINUSE);
}

EACH_FAMILY(D5_replace_without_the_attribute_keeps_the_owner)
{
	EQUAL(command(parent, "ip addr replace %s/%d dev e0", in->a, in->prefix), 0);
	CHECK(shows(child_a, in->a));
}

EACH_FAMILY(D5_all_go_back_at_the_childs_death)
{
	add_e1();
	EQUAL(add_address("e0", in->spare, in->prefix, child_a, 0), 0);
	EQUAL(add_address("e1", in->far, in->prefix, child_a, 0), 0);
	if (in == &ipv6)
		EQUAL(add_address("e1", in->a, 128, child_a, 0), 0);
	close(child_a);
	await_return(in->far);
	await_return(in->spare);
	await_return(in->a);
	CHECK(!shows_without_ids(parent, in->b));
	EQUAL(give(in->host, child_b), 0);
}

EACH_FAMILY(D5_a_device_that_goes_takes_its_addresses_along)
{
	EQUAL(command(parent, "ip link del e0"), 0);
	CHECK(!shows(child_a, in->a));
	close(child_a);
	CHECK(!shows(parent, in->a) && !shows(parent, in->host));
}

/* Of both families and on two devices, and to whom in each subnet it sends. */
TEST(R1_whole_sets_of_addresses)
{
	static const struct {
		const char *device, *address;
		int prefix;
		const char *neighbour;
	} set[] = {
		{ "e0", "10.0.0.30", 24, "10.0.0.9" },
		{ "e1", "10.6.0.1", 16, "10.6.0.9" },
		{ "e1", "10.7.0.1", 16, "10.7.0.9" },
		{ "e0", "2001:db8:6::1", 64, "2001:db8:6::9" },
		{ "e1", "2001:db8:7::1", 64, "2001:db8:7::9" },
	};
	const int count = sizeof(set) / sizeof(*set);

	add_e1();
	for (int i = 0; i < count; i++)
		EQUAL(add_address(set[i].device, set[i].address, set[i].prefix,
				  child_c, 0), 0);
	for (int i = 0; i < count; i++) {
		/* A worker of IPv6 enters the route. */
		for (int waited_ms = 0; !*source(child_c, SOCK_DGRAM, set[i].neighbour, 9);
		     waited_ms += 10) {
			CHECK(waited_ms < 5000);
			usleep(10000);
		}
		CHECK(!strcmp(source(child_c, SOCK_DGRAM, set[i].neighbour, 9),
			      set[i].address));
		CHECK(shows(child_c, set[i].address) && !shows(child_a, set[i].address));
		EQUAL(try_bind(child_c, SOCK_STREAM, set[i].address), 0);
		EQUAL(try_bind(parent, SOCK_STREAM, set[i].address), -EADDRNOTAVAIL);
	}
	close(child_c);
	for (int i = 0; i < count; i++) {
		await_return(set[i].address);
		EQUAL(try_bind(parent, SOCK_STREAM, set[i].address), 0);
	}
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
	CHECK(shows(child_a, "10.0.0.2") && shows(child_b, "10.0.0.3"));
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

EACH_FAMILY(D4_messages_are_for_those_who_see_the_address)
{
	int host = monitor(parent, in), a = monitor(child_a, in);
	int b = monitor(child_b, in);

	EQUAL(add_address("e0", in->spare, in->prefix, child_a, 0), 0);
	/* A worker of IPv6 says it, when no duplicate was found. */
	CHECK(readable(host, 5000));
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), RTM_NEWADDR);
	EQUAL(next_message(b), 0);

	EQUAL(give(in->spare, child_b), 0);
	EQUAL(next_message(host), RTM_NEWADDR);
	EQUAL(next_message(a), RTM_DELADDR);
	EQUAL(next_message(b), RTM_NEWADDR);
	EQUAL(next_message(a), 0);
	EQUAL(next_message(host), 0);

	EQUAL(command(parent, "ip addr del %s/%d dev e0", in->spare, in->prefix), 0);
	EQUAL(next_message(host), RTM_DELADDR);
	EQUAL(next_message(a), 0);
	EQUAL(next_message(b), RTM_DELADDR);
}
