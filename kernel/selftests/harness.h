/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of L3 network namespaces are written with. A test runs in
 * network namespaces of its own:
 *
 *	parent	e0 10.0.0.1/24 (and .2 child_a's, .3 child_b's), lo
 *	peer	e0 10.0.0.9/24, at the other end of the wire
 *
 * and with IPv6 2001:db8::1/64 and so on, once a test has asked for it.
 *
 * A socket belongs to the namespace that it was made in, wherever its process
 * is afterwards: so one process can hold sockets of them all.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>

#define NS_NET_L3_CREATE	_IO(0xb7, 0x60)
#define NS_NET_L3_GET_ID	_IOR(0xb7, 0x61, uint32_t)
#define NS_L3_SHARE_LO		1

/* Descriptors of namespaces. child_c owns nothing. */
extern int parent, peer, child_a, child_b, child_c;

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void add_test(struct test *test);

/* The name is the promise of the seed that it shows, and what it shows. */
#define TEST(id)							\
	static void id(void);						\
	static struct test id##_test = { #id, id, NULL };		\
	__attribute__((constructor)) static void id##_add(void)		\
	{								\
		add_test(&id##_test);					\
	}								\
	static void id(void)

/* The addresses of that world in one family. */
struct family {
	int number, prefix;
	const char *host, *a, *b, *spare, *peer, *any, *lo;
	/* What is on the other side of the peer, and a group. */
	const char *far, *group;
};

extern const struct family ipv4, ipv6;
const struct family *family_of(const char *address);

/* One test a family; that of IPv6 has its name in its own. */
#define EACH_FAMILY(id)							\
	static void id##_in(const struct family *in);			\
	TEST(id)							\
	{								\
		id##_in(&ipv4);						\
	}								\
	TEST(id##_ipv6)							\
	{								\
		add_ipv6();						\
		id##_in(&ipv6);						\
	}								\
	static void id##_in(const struct family *in)

/* Ends the test with words, unless it holds. */
#define CHECK(condition)						\
	check(condition, __FILE__, __LINE__, #condition)
#define EQUAL(got, wanted)						\
	check_equal(got, wanted, __FILE__, __LINE__, #got, #wanted)

void check(bool holds, const char *file, int line, const char *what);
void check_equal(long got, long wanted, const char *file, int line,
		 const char *got_what, const char *wanted_what);

void enter(int ns);
/* A new child of the network namespace ns. */
int create(int ns, unsigned int flags);
uint32_t owner_id(int child);
/* 0 or a negative errno: what a system call returned. */
int result(int returned);
/* Runs a command in ns with its output dropped; its exit code. */
int command(int ns, const char *format, ...);
/* What it prints, in a buffer that the next call takes again. */
const char *output(int ns, const char *format, ...);
ino_t inode(int fd);

/* RTM_NEWADDR for e0 (or another device): 0 or a negative errno. */
#define OWNER_NONE	(-2)
int add_address(const char *device, const char *address, int prefix, int owner,
		int flags);
void add_ipv6(void);
/* A second device of the parent, without addresses. */
void add_e1(void);
/* Gives an address of e0 that is there to another owner, or to several. */
int give(const char *address, int owner);
int share(const char *address, const int *owners, int count);
/* The ids that the listing of the parent gives for an address; how many. */
int owners_of(const char *address, uint32_t *ids, int size);
/* Does ns see it in the listing of ip? */
bool shows(int ns, const char *address);
/* Does it see it where there are no ids: SIOCGIFCONF, /proc/net/if_inet6? */
bool shows_without_ids(int ns, const char *address);
/* Until the parent has it again whose owner is gone, for 10 s at most. */
void await_return(const char *address);
/* A socket that hears of addresses, and the type of its next message or 0. */
int monitor(int ns, const struct family *in);
int next_message(int fd);

/* Made in ns; type is SOCK_STREAM, SOCK_DGRAM or SOCK_RAW (protocol ICMP). */
int sock(int ns, int type);
int sock6(int ns, int type);
int sock_in(const struct family *in, int ns, int type);
/* A descriptor or a negative errno. */
int open_socket(int ns, int family, int type, int protocol);
struct sockaddr_in at(const char *address, int port);
/* Of either family, as the address says. */
socklen_t endpoint(const char *address, int port, struct sockaddr_storage *where);
int bind_to(int fd, const char *address, int port);
/* What a socket of ns would get, at any port. */
int try_bind(int ns, int type, const char *address);
/* A socket of ns that is bound, listens if it is TCP, and has to be. */
int server(int ns, int type, const char *address, int port);
int connect_to(int fd, const char *address, int port);
/* The address that the kernel chose for a socket of ns, "" for none. */
const char *source(int ns, int type, const char *address, int port);
/* Connects from ns by TCP and says who answers: an index into servers or -1. */
int who_accepts(int ns, const char *address, int port, const int *servers,
		int count);
/* Which sockets get one datagram that ns sends, as a mask. */
unsigned int who_receives(int ns, const char *address, int port,
			  const int *servers, int count);
/* What was received within the time? */
bool readable(int fd, int timeout_ms);

#endif
