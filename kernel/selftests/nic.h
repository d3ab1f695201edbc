/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that the kernel returns as it does hardware, which are the ports of
 * a card of netdevsim, and what rtnetlink says of them.
 */
#ifndef NIC_H
#define NIC_H

#include <stdbool.h>
#include <sys/types.h>

#define NO_NETNS	(-2)

/* A new one, with nothing in it but lo. */
int new_netns(void);
int netns_of(pid_t pid);
/* Root of a new user namespace, in a new network namespace of its own. */
void enter_own_users(void);

/* nic0, nic1... in ns, and no others anywhere. */
void make_nics(int ns, int count);
void remove_nics(void);
bool has_nic(int ns, const char *name);
int index_of(int ns, const char *name);
/* Waits until it is there. */
void await_nic(int ns, const char *name);

/*
 * Moves it by RTM_SETLINK: 0 or a negative errno. lend is the value of
 * IFLA_NETNS_RETURN, or negative to leave it out.
 */
int move_nic(int from, const char *name, int to, int lend);
int make_dummy_that_returns(int ns, int to);
/* What IFLA_NETNS_RETURN says of it, -ENODATA if it isn't in the answer. */
int is_lent(int ns, const char *name);

#endif
