// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "harness.h"

#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_LIMIT_S	60

int parent, peer, child_a, child_b, child_c;

static struct test *tests;
static struct test **last_test = &tests;

void add_test(struct test *test)
{
	*last_test = test;
	last_test = &test->next;
}

static void fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	printf("  %s:%d: ", file, line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	puts("");
	fflush(stdout);
	_exit(1);
}

void check(bool holds, const char *file, int line, const char *what)
{
	if (!holds)
		fail(file, line, "%s (errno %d)", what, errno);
}

void check_equal(long got, long wanted, const char *file, int line,
		 const char *got_what, const char *wanted_what)
{
	if (got != wanted)
		fail(file, line, "%s is %ld, not %s (%ld)", got_what, got,
		     wanted_what, wanted);
}

/* ---- namespaces --------------------------------------------------------- */

static int open_netns(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

void enter(int ns)
{
	CHECK(setns(ns, CLONE_NEWNET) == 0);
}

int result(int returned)
{
	return returned < 0 ? -errno : returned;
}

int create(int ns, unsigned int flags)
{
	return result(ioctl(ns, NS_NET_L3_CREATE, flags));
}

uint32_t owner_id(int child)
{
	uint32_t id;

	CHECK(ioctl(child, NS_NET_L3_GET_ID, &id) == 0);
	return id;
}

ino_t inode(int fd)
{
	struct stat about;

	CHECK(fstat(fd, &about) == 0);
	return about.st_ino;
}

int command(int ns, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int status;
	pid_t pid;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	pid = fork();
	if (!pid) {
		enter(ns);
		CHECK(freopen("/dev/null", "w", stdout));
		CHECK(freopen("/dev/null", "w", stderr));
		execl("/bin/bash", "bash", "-c", text, (char *)NULL);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *output(int ns, const char *format, ...)
{
	static char text[65536];
	char wanted[1024];
	va_list arguments;
	size_t length = 0;
	ssize_t count;
	int ends[2];
	pid_t pid;

	va_start(arguments, format);
	vsnprintf(wanted, sizeof(wanted), format, arguments);
	va_end(arguments);

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	pid = fork();
	if (!pid) {
		enter(ns);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execl("/bin/bash", "bash", "-c", wanted, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((count = read(ends[0], text + length,
			     sizeof(text) - 1 - length)) > 0)
		length += count;
	text[length] = 0;
	close(ends[0]);
	CHECK(waitpid(pid, NULL, 0) == pid);
	return text;
}

/* ---- sockets ------------------------------------------------------------ */

int open_socket(int ns, int family, int type, int protocol)
{
	int fd;

	enter(ns);
	fd = result(socket(family, type | SOCK_CLOEXEC, protocol));
	enter(parent);
	return fd;
}

int sock_in(const struct family *in, int ns, int type)
{
	int icmp = in == &ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = open_socket(ns, in->number, type, type == SOCK_RAW ? icmp : 0);

	CHECK(fd >= 0);
	return fd;
}

int sock(int ns, int type)
{
	return sock_in(&ipv4, ns, type);
}

int sock6(int ns, int type)
{
	return sock_in(&ipv6, ns, type);
}

struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in where = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = inet_addr(address),
	};

	return where;
}

socklen_t endpoint(const char *address, int port, struct sockaddr_storage *where)
{
	struct sockaddr_in6 *where6 = (void *)where;
	struct sockaddr_in *where4 = (void *)where;

	memset(where, 0, sizeof(*where));
	if (family_of(address) == &ipv4) {
		*where4 = at(address, port);
		return sizeof(*where4);
	}
	where6->sin6_family = AF_INET6;
	where6->sin6_port = htons(port);
	CHECK(inet_pton(AF_INET6, address, &where6->sin6_addr) == 1);
	return sizeof(*where6);
}

int bind_to(int fd, const char *address, int port)
{
	struct sockaddr_storage where;
	socklen_t size = endpoint(address, port, &where);

	return result(bind(fd, (struct sockaddr *)&where, size));
}

int try_bind(int ns, int type, const char *address)
{
	int fd = sock_in(family_of(address), ns, type);
	int error = bind_to(fd, address, 0);

	close(fd);
	return error;
}

int server(int ns, int type, const char *address, int port)
{
	int fd = sock_in(family_of(address), ns, type);
	int yes = 1;

	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes));
	EQUAL(bind_to(fd, address, port), 0);
	if (type == SOCK_STREAM)
		EQUAL(listen(fd, 8), 0);
	return fd;
}

int connect_to(int fd, const char *address, int port)
{
	struct sockaddr_storage where;
	socklen_t size = endpoint(address, port, &where);

	return result(connect(fd, (struct sockaddr *)&where, size));
}

const char *source(int ns, int type, const char *address, int port)
{
	static char text[INET6_ADDRSTRLEN];
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	int fd = sock_in(family_of(address), ns, type);

	text[0] = 0;
	if (connect_to(fd, address, port) == 0) {
		CHECK(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
		CHECK(getnameinfo((struct sockaddr *)&own, size, text, sizeof(text),
				  NULL, 0, NI_NUMERICHOST) == 0);
	}
	close(fd);
	return text;
}

bool readable(int fd, int timeout_ms)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	return poll(&wanted, 1, timeout_ms) == 1 && (wanted.revents & POLLIN);
}

int who_accepts(int ns, const char *address, int port, const int *servers,
		int count)
{
	int fd = sock_in(family_of(address), ns, SOCK_STREAM);
	int who = connect_to(fd, address, port);

	if (who == 0) {
		for (who = 0; who < count; who++)
			if (readable(servers[who], 0))
				break;
		CHECK(who < count);
		close(accept(servers[who], NULL, NULL));
	}
	close(fd);
	return who;
}

unsigned int who_receives(int ns, const char *address, int port,
			  const int *servers, int count)
{
	struct sockaddr_storage where;
	socklen_t size = endpoint(address, port, &where);
	int fd = sock_in(family_of(address), ns, SOCK_DGRAM);
	unsigned int who = 0;
	char byte = 'x';
	int yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes));
	CHECK(sendto(fd, &byte, 1, 0, (struct sockaddr *)&where, size) == 1);
	/* Within one kernel of one CPU it was delivered before sendto() ended. */
	for (int i = 0; i < count; i++) {
		if (readable(servers[i], 0)) {
			who |= 1u << i;
			CHECK(recv(servers[i], &byte, 1, 0) == 1);
		}
	}
	close(fd);
	return who;
}

/* ---- tests -------------------------------------------------------------- */

static void make_world(void)
{
	CHECK(unshare(CLONE_NEWNET) == 0);
	peer = open_netns();
	CHECK(unshare(CLONE_NEWNET) == 0);
	parent = open_netns();

	EQUAL(command(parent, "ip link set lo up && "
		      "ip link add e0 type veth peer name e0 netns /proc/%d/fd/%d && "
		      "ip link set e0 up && ip addr add 10.0.0.1/24 dev e0 && "
		      "ip addr add 10.0.0.2/24 dev e0 && ip addr add 10.0.0.3/24 dev e0",
		      getpid(), peer), 0);
	EQUAL(command(peer, "ip link set lo up && ip link set e0 up && "
		      "ip addr add 10.0.0.9/24 dev e0"), 0);

	child_a = create(parent, 0);
	child_b = create(parent, 0);
	child_c = create(parent, 0);
	CHECK(child_a >= 0 && child_b >= 0 && child_c >= 0);
	EQUAL(give("10.0.0.2", child_a), 0);
	EQUAL(give("10.0.0.3", child_b), 0);
}

static bool passes(const struct test *test)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(TEST_LIMIT_S);
		make_world();
		test->run();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("  ended by signal %d\n", WTERMSIG(status));
	return status == 0;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (struct test *test = tests; test; test = test->next) {
		if (!is_wanted(test->name, argc, argv))
			continue;
		if (passes(test)) {
			printf("ok %s\n", test->name);
		} else {
			printf("FAIL %s\n", test->name);
			failed++;
		}
		fflush(stdout);
	}
	return failed ? 1 : 0;
}
