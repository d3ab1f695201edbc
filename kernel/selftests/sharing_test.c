// SPDX-License-Identifier: GPL-2.0
/* An address that several namespaces share: patch 22. */
#define _GNU_SOURCE
#include "harness.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#define SAME(got, wanted)	CHECK(!strcmp(got, wanted))
#define TOO_MANY		17

static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

/* The spare address of e0, for these two in their order. */
static void share_spare(const struct family *in, int first, int second)
{
	const int owners[] = { first, second };

	EQUAL(add_address("e0", in->spare, in->prefix, OWNER_NONE, 0), 0);
	EQUAL(share(in->spare, owners, 2), 0);
	/* As in add_ipv6(): the worker that enters the route, and neighbours. */
	EQUAL(command(peer, "for i in {1..20}; do "
		      "ping -c 1 -W 1 %s && exit 0; done; exit 1", in->spare), 0);
}

/* Does the listing name these, in their order, and no others? */
static bool has_owners(const struct family *in, const uint32_t *ids, int count)
{
	uint32_t found[TOO_MANY];

	return owners_of(in->spare, found, TOO_MANY) == count &&
	       !memcmp(found, ids, count * sizeof(*ids));
}

EACH_FAMILY(R3_all_owners_see_it_bind_to_it_and_send_from_it)
{
	share_spare(in, child_b, child_c);
	for (int i = 0; i < 2; i++) {
		EQUAL(try_bind(child_b, types[i], in->spare), 0);
		EQUAL(try_bind(child_c, types[i], in->spare), 0);
		EQUAL(try_bind(child_a, types[i], in->spare), -EADDRNOTAVAIL);
		EQUAL(try_bind(parent, types[i], in->spare), -EADDRNOTAVAIL);
	}
	CHECK(shows(child_b, in->spare) && shows(child_c, in->spare));
	CHECK(shows_without_ids(child_c, in->spare));
	CHECK(!shows(child_a, in->spare) && !shows_without_ids(parent, in->spare));
	SAME(source(child_c, SOCK_DGRAM, in->peer, 9), in->spare);
	EQUAL(command(child_c, "ping -c 1 -W 5 %s", in->peer), 0);
}

EACH_FAMILY(R3_each_port_leads_to_the_one_that_uses_it)
{
	int servers[2];

	share_spare(in, child_a, child_b);
	servers[0] = server(child_a, SOCK_STREAM, in->spare, 80);
	servers[1] = server(child_b, SOCK_STREAM, in->spare, 81);
	EQUAL(who_accepts(peer, in->spare, 80, servers, 2), 0);
	EQUAL(who_accepts(peer, in->spare, 81, servers, 2), 1);
	servers[0] = server(child_a, SOCK_DGRAM, in->spare, 53);
	servers[1] = server(child_b, SOCK_DGRAM, in->any, 54);
	EQUAL(who_receives(peer, in->spare, 53, servers, 2), 1);
	EQUAL(who_receives(peer, in->spare, 54, servers, 2), 2);
	EQUAL(who_receives(child_a, in->spare, 54, servers, 2), 2);
}

EACH_FAMILY(R3_one_port_of_it_once)
{
	share_spare(in, child_a, child_b);
	for (int i = 0; i < 2; i++) {
		int fd = sock_in(in, child_b, types[i]);
		int yes = 1;

		server(child_a, types[i], in->spare, 80);
		EQUAL(bind_to(fd, in->spare, 80), -EADDRINUSE);
		CHECK(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)));
		EQUAL(bind_to(fd, in->spare, 80), -EADDRINUSE);
		EQUAL(bind_to(fd, in->b, 80), 0);
	}
}

EACH_FAMILY(R3_no_reuseport_group_is_of_two_owners)
{
	share_spare(in, child_a, child_b);
	for (int i = 0; i < 2; i++) {
		const int ns[] = { child_a, child_a, child_b };
		const int wanted[] = { 0, 0, -EADDRINUSE };

		for (int j = 0; j < 3; j++) {
			int fd = sock_in(in, ns[j], types[i]);
			int yes = 1;

			CHECK(!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes,
					  sizeof(yes)));
			EQUAL(bind_to(fd, in->spare, 80), wanted[j]);
		}
	}
}

EACH_FAMILY(R3_those_bound_to_any_get_it_in_the_order_of_the_owners)
{
	int servers[3];

	share_spare(in, child_b, child_a);
	for (int i = 0; i < 2; i++) {
		servers[0] = server(child_a, types[i], in->any, 80);
		servers[1] = server(child_b, types[i], in->any, 80);
		servers[2] = server(parent, types[i], in->any, 80);
		for (int left = 1; left >= 0; left--) {
			if (types[i] == SOCK_STREAM)
				EQUAL(who_accepts(peer, in->spare, 80, servers, 3), left);
			else
				EQUAL(who_receives(peer, in->spare, 80, servers, 3), 1 << left);
			close(servers[left]);
			servers[left] = server(child_c, types[i], in->lo, 80 + left);
		}
	}
	EQUAL(who_accepts(peer, in->spare, 80, servers, 3), -ECONNREFUSED);
}

EACH_FAMILY(R3_one_bound_to_it_goes_before_those_bound_to_any)
{
	int servers[2];

	share_spare(in, child_a, child_b);
	servers[0] = server(child_a, SOCK_STREAM, in->any, 80);
	servers[1] = server(child_b, SOCK_STREAM, in->spare, 80);
	EQUAL(who_accepts(peer, in->spare, 80, servers, 2), 1);
	EQUAL(who_accepts(peer, in->a, 80, servers, 2), 0);
}

EACH_FAMILY(R3_connections_from_it_are_the_one_that_made_them)
{
	const int ns[] = { child_a, child_b };
	int listener = server(peer, SOCK_STREAM, in->peer, 80);
	int ends[2][2];
	char byte;

	share_spare(in, child_a, child_b);
	for (int i = 0; i < 2; i++) {
		ends[i][0] = sock_in(in, ns[i], SOCK_STREAM);
		EQUAL(bind_to(ends[i][0], in->spare, 0), 0);
		EQUAL(connect_to(ends[i][0], in->peer, 80), 0);
		ends[i][1] = accept(listener, NULL, NULL);
		CHECK(ends[i][1] >= 0);
	}
	for (int i = 0; i < 2; i++) {
		EQUAL(send(ends[i][1], i ? "b" : "a", 1, 0), 1);
		EQUAL(recv(ends[i][0], &byte, 1, 0), 1);
		EQUAL(byte, i ? 'b' : 'a');
	}
}

EACH_FAMILY(R3_the_parent_can_be_one_of_them)
{
	const uint32_t ids[] = { 0, owner_id(child_a) };
	int servers[2];

	share_spare(in, parent, child_a);
	CHECK(has_owners(in, ids, 2));
	CHECK(shows_without_ids(parent, in->spare) && shows(child_a, in->spare));
	servers[0] = server(parent, SOCK_STREAM, in->any, 80);
	servers[1] = server(child_a, SOCK_STREAM, in->spare, 81);
	EQUAL(bind_to(sock_in(in, parent, SOCK_STREAM), in->spare, 81), -EADDRINUSE);
	EQUAL(who_accepts(peer, in->spare, 80, servers, 2), 0);
	EQUAL(who_accepts(peer, in->spare, 81, servers, 2), 1);
}

EACH_FAMILY(R3_another_list_is_other_owners)
{
	const int owners[] = { child_b, child_c, parent };
	const uint32_t ids[] = { owner_id(child_b), owner_id(child_c), 0 };
	const uint32_t only = owner_id(child_a);
	int a, b, c;

	share_spare(in, child_a, child_b);
	a = monitor(child_a, in);
	b = monitor(child_b, in);
	c = monitor(child_c, in);
	EQUAL(share(in->spare, owners, 3), 0);
	CHECK(has_owners(in, ids, 3));
	EQUAL(next_message(a), RTM_DELADDR);
	EQUAL(next_message(a), 0);
	EQUAL(next_message(b), RTM_NEWADDR);
	EQUAL(next_message(c), RTM_NEWADDR);
	EQUAL(give(in->spare, child_a), 0);
	CHECK(has_owners(in, &only, 1));
	EQUAL(next_message(b), RTM_DELADDR);
	EQUAL(give(in->spare, parent), 0);
	CHECK(has_owners(in, NULL, 0));
	EQUAL(command(parent, "ip addr del %s/%d dev e0", in->spare, in->prefix), 0);
}

EACH_FAMILY(R3_the_end_of_one_leaves_it_to_the_others)
{
	const int owners[] = { child_a, child_b, child_c };
	const uint32_t ids[] = { owner_id(child_b), owner_id(child_c) };

	share_spare(in, child_a, child_b);
	EQUAL(share(in->spare, owners, 3), 0);
	close(child_a);
	while (!has_owners(in, ids, 2))
		usleep(10000);
	CHECK(shows(child_b, in->spare) && !shows_without_ids(parent, in->spare));
	close(child_c);
	while (!has_owners(in, ids, 1))
		usleep(10000);
	EQUAL(try_bind(child_b, SOCK_STREAM, in->spare), 0);
	close(child_b);
	while (!has_owners(in, NULL, 0))
		usleep(10000);
	CHECK(shows_without_ids(parent, in->spare));
}

EACH_FAMILY(R3_errors_of_sharing)
{
	const int twice[] = { child_a, child_a };
	const int strange[] = { child_a, peer };
	int many[TOO_MANY];

	for (int i = 0; i < TOO_MANY; i++)
		many[i] = create(parent, 0);
	EQUAL(share(in->a, twice, 2), -EINVAL);
	EQUAL(share(in->a, strange, 2), -EXDEV);
	EQUAL(share(in->a, many, TOO_MANY), -E2BIG);
	CHECK(!shows(many[0], in->a) && shows(child_a, in->a));
	EQUAL(share(in->a, many, TOO_MANY - 1), 0);
	CHECK(shows(many[0], in->a) && shows(many[TOO_MANY - 2], in->a));
	/* What is on two devices has one owner. */
	add_e1();
	EQUAL(add_address("e1", in->a, in == &ipv6 ? 128 : 32, many[0], 0),
	      -EADDRINUSE);
}

/* There it would pass for another owner's loopback. */
EACH_FAMILY(R3_a_loopback_source_doesnt_lead_to_it)
{
	int fd = sock_in(in, child_a, SOCK_DGRAM);

	share_spare(in, child_a, child_b);
	EQUAL(bind_to(fd, in->lo, 0), 0);
	EQUAL(connect_to(fd, in->spare, 53), -EADDRNOTAVAIL);
	EQUAL(connect_to(fd, in->a, 53), 0);
}

EACH_FAMILY(R3_a_device_that_goes_takes_it_along)
{
	share_spare(in, child_a, child_b);
	EQUAL(command(parent, "ip link del e0"), 0);
	CHECK(!shows(child_a, in->spare) && !shows(child_b, in->spare));
}
