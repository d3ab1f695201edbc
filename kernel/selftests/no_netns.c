// SPDX-License-Identifier: GPL-2.0
/* What a kernel with CONFIG_NET_NS=n answers. It has no namespaces for a harness. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int failed;

static void show(const char *name, int holds)
{
	printf("%s %s\n", holds ? "ok" : "FAIL", name);
	failed |= !holds;
}

int main(void)
{
	long pid;

	show("B3_without_net_ns_unshare_is_EINVAL",
	     unshare(CLONE_NEWNET) == -1 && errno == EINVAL);
	pid = syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(0);
	show("B3_without_net_ns_clone_is_EINVAL", pid == -1 && errno == EINVAL);
	/* An error leaves nothing behind: the next one that may succeed does. */
	show("B3_other_namespaces_are_to_be_had", unshare(CLONE_NEWUTS) == 0);
	show("B3_there_is_no_such_namespace", access("/proc/self/ns/net", F_OK) == -1);
	return failed;
}
