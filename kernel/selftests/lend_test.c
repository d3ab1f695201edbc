// SPDX-License-Identifier: GPL-2.0
/*
 * A device goes home from a namespace that ends: the series 6.12-home. The
 * devices are ports of netdevsim, which the kernel returns as it does hardware.
 */
#define _GNU_SOURCE
#include "harness.h"
#include "nic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_ASKED	(-1)

/* lan0 and lan1 are at home, and the borrower's namespace is empty. */
struct world {
	int init, home, borrower;
};

static struct world make_lenders(void)
{
	struct world world = {
		.init = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC),
		.home = new_netns(),
		.borrower = new_netns(),
	};

	make_nics(world.init, 2);
	EQUAL(command(world.init, "ip link set nic0 name lan0 && "
		      "ip link set nic1 name lan1"), 0);
	EQUAL(move_nic(world.init, "lan0", world.home, NOT_ASKED), 0);
	EQUAL(move_nic(world.init, "lan1", world.home, NOT_ASKED), 0);
	return world;
}

TEST(home_it_comes_back_under_its_name)
{
	struct world world = make_lenders();

	EQUAL(is_lent(world.home, "lan0"), 0);
	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(is_lent(world.borrower, "lan0"), 1);
	EQUAL(command(world.borrower, "ip link set lan0 name eth0 && ip link set eth0 up"), 0);
	close(world.borrower);
	await_nic(world.home, "lan0");
	EQUAL(is_lent(world.home, "lan0"), 0);
	CHECK(!has_nic(world.init, "lan0") && !has_nic(world.init, "eth0"));
}

TEST(home_who_did_not_ask_finds_it_in_the_first_namespace)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, NOT_ASKED), 0);
	EQUAL(move_nic(world.home, "lan1", world.borrower, 0), 0);
	EQUAL(is_lent(world.borrower, "lan0"), 0);
	EQUAL(is_lent(world.borrower, "lan1"), 0);
	close(world.borrower);
	await_nic(world.init, "lan0");
	await_nic(world.init, "lan1");
}

TEST(home_two_that_swapped_their_names_have_their_own)
{
	struct world world = make_lenders();
	int index = index_of(world.home, "lan0");

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(move_nic(world.home, "lan1", world.borrower, 1), 0);
	EQUAL(command(world.borrower, "ip link set lan0 name x && "
		      "ip link set lan1 name lan0 && ip link set x name lan1"), 0);
	close(world.borrower);
	await_nic(world.home, "lan0");
	await_nic(world.home, "lan1");
	EQUAL(index_of(world.home, "lan0"), index);
}

TEST(home_a_name_taken_meanwhile_gives_another_but_not_the_borrowers)
{
	struct world world = make_lenders();
	int index = index_of(world.home, "lan0");
	char fallback[16];

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(command(world.home, "ip link add lan0 type dummy"), 0);
	EQUAL(command(world.borrower, "ip link set lan0 name trusted0"), 0);
	close(world.borrower);
	snprintf(fallback, sizeof(fallback), "dev%d", index);
	await_nic(world.home, fallback);
	CHECK(!has_nic(world.home, "trusted0"));
	EQUAL(is_lent(world.home, fallback), 0);
}

TEST(home_no_altname_keeps_it_from_its_name)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(command(world.borrower, "ip link set lan0 name eth0 && "
		      "ip link property add dev eth0 altname lan0 altname lan1 altname mine"), 0);
	close(world.borrower);
	await_nic(world.home, "lan0");
	/* lan1 is another's there, and a name isn't its own altname. */
	EQUAL(command(world.home, "ip link show lan0 | grep -E 'altname lan[01]'"), 1);
	EQUAL(command(world.home, "ip link show lan0 | grep -q 'altname mine'"), 0);
	CHECK(index_of(world.home, "lan1") != index_of(world.home, "lan0"));
	EQUAL(command(world.home, "ip link set lan0 name other && ! ip link show lan0"), 0);
}

TEST(home_a_name_it_falls_back_to_is_not_its_altname)
{
	struct world world = make_lenders();
	int index = index_of(world.home, "lan0");
	char fallback[16];

	EQUAL(move_nic(world.home, "lan0", world.borrower, NOT_ASKED), 0);
	EQUAL(command(world.init, "ip link add lan0 type dummy"), 0);
	EQUAL(command(world.borrower, "ip link property add dev lan0 altname dev%d", index), 0);
	close(world.borrower);
	snprintf(fallback, sizeof(fallback), "dev%d", index);
	await_nic(world.init, fallback);
	EQUAL(command(world.init, "ip link show %s | grep altname", fallback), 1);
}

TEST(home_no_move_gives_it_the_name_that_is_its_altname)
{
	struct world world = make_lenders();

	EQUAL(command(world.borrower, "ip link add lan0 type dummy"), 0);
	EQUAL(command(world.home, "ip link property add dev lan0 altname twice"), 0);
	EQUAL(command(world.home, "ip link set lan0 netns /proc/%d/fd/%d name twice",
		      getpid(), world.borrower), 2);
	CHECK(has_nic(world.home, "lan0"));
	EQUAL(command(world.home, "ip link set lan0 netns /proc/%d/fd/%d name once",
		      getpid(), world.borrower), 0);
}

TEST(home_the_borrower_neither_changes_nor_ends_it)
{
	struct world world = make_lenders();
	int nested = new_netns();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(move_nic(world.borrower, "lan0", nested, 1), -EBUSY);
	EQUAL(is_lent(world.borrower, "lan0"), 1);
	EQUAL(move_nic(world.borrower, "lan0", nested, 0), 0);
	EQUAL(is_lent(nested, "lan0"), 1);
	close(nested);
	await_nic(world.home, "lan0");
	CHECK(!has_nic(world.borrower, "lan0"));
}

TEST(home_nor_does_a_borrower_that_is_root_of_its_own_users)
{
	struct world world = make_lenders();
	int status, ends[2];
	pid_t pid;
	char byte = 0;

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	pid = fork();
	if (!pid) {
		int own, nested;

		enter_own_users();
		own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		CHECK(write(ends[1], &byte, 1) == 1);
		while (!has_nic(own, "lan0"))
			usleep(1000);
		nested = new_netns();
		EQUAL(move_nic(own, "lan0", nested, 1), -EBUSY);
		EQUAL(move_nic(own, "lan0", nested, NOT_ASKED), 0);
		EQUAL(move_nic(nested, "lan0", world.home, NOT_ASKED), -EPERM);
		_exit(0);
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	EQUAL(move_nic(world.home, "lan0", netns_of(pid), 1), 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	await_nic(world.home, "lan0");
}

TEST(home_moved_back_by_hand_it_can_be_lent_again)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(command(world.borrower, "ip link set lan0 name eth0"), 0);
	EQUAL(move_nic(world.borrower, "eth0", world.home, NOT_ASKED), 0);
	EQUAL(is_lent(world.home, "eth0"), 0);
	EQUAL(move_nic(world.home, "eth0", world.borrower, 1), 0);
	EQUAL(command(world.borrower, "ip link set eth0 name eth1"), 0);
	close(world.borrower);
	await_nic(world.home, "eth0");
}

TEST(home_one_whose_home_has_ended_goes_to_the_first_namespace)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(command(world.borrower, "ip link set lan0 name eth7"), 0);
	close(world.home);
	await_nic(world.init, "lan1"); /* the end of its home, seen */
	EQUAL(is_lent(world.borrower, "eth7"), 1);
	close(world.borrower);
	await_nic(world.init, "eth7");
	EQUAL(is_lent(world.init, "eth7"), 0);
}

TEST(home_one_whose_home_has_ended_can_be_lent_anew)
{
	struct world world = make_lenders();
	int nested = new_netns();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	close(world.home);
	await_nic(world.init, "lan1");
	EQUAL(command(world.borrower, "ip link set lan0 name eth7"), 0);
	EQUAL(move_nic(world.borrower, "eth7", nested, 1), 0);
	close(nested);
	await_nic(world.borrower, "eth7");
}

TEST(home_two_that_lent_each_other_a_device_can_end)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan1", world.borrower, NOT_ASKED), 0);
	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	EQUAL(move_nic(world.borrower, "lan1", world.home, 1), 0);
	close(world.borrower);
	close(world.home);
	await_nic(world.init, "lan0");
	await_nic(world.init, "lan1");
}

TEST(home_and_borrower_may_end_at_once)
{
	for (int i = 0; i < 20; i++) {
		struct world world = make_lenders();

		EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
		close(i % 2 ? world.home : world.borrower);
		close(i % 2 ? world.borrower : world.home);
		await_nic(world.init, "lan0");
		await_nic(world.init, "lan1");
		EQUAL(is_lent(world.init, "lan0"), 0);
		close(world.init);
	}
}

TEST(home_the_errors_change_nothing)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 2), -ERANGE);
	EQUAL(move_nic(world.home, "lan0", NO_NETNS, 1), -EINVAL);
	EQUAL(command(world.home, "ip link add virtual type dummy"), 0);
	EQUAL(move_nic(world.home, "virtual", world.borrower, 1), -EOPNOTSUPP);
	EQUAL(make_dummy_that_returns(world.home, world.borrower), -EINVAL);
	EQUAL(command(world.borrower, "ip link add lan0 type dummy"), 0);
	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), -EEXIST);
	EQUAL(is_lent(world.home, "lan0"), 0);
	EQUAL(is_lent(world.home, "virtual"), 0);
}

TEST(home_a_move_to_where_it_is_lends_nothing)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.home, 1), 0);
	EQUAL(is_lent(world.home, "lan0"), 0);
}

TEST(home_one_that_is_unplugged_while_lent_is_gone)
{
	struct world world = make_lenders();

	EQUAL(move_nic(world.home, "lan0", world.borrower, 1), 0);
	remove_nics();
	CHECK(!has_nic(world.borrower, "lan0"));
	close(world.borrower);
}
