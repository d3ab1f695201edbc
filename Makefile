# The front door; the build itself is CMake's (CMakePresets.json).
#
#   make run       the main job, shown: a device is lent, used, and comes home as it was
#   make test      all tests; the last line counts them
#   make test-guest  those that need devices and a kernel of their own, in User Mode Linux
#   make test-kernel  the patches of kernel/, in a User Mode Linux that has them
#   make kernel-package  netlend-kernel-source, which builds a kernel with them for a real machine
#   make build     build/bin/netlend and build/bin/netlend-hook
#   make install   DESTDIR= PREFIX=/usr/local; podman looks for hooks only where PREFIX=/usr puts them
#   make model     every state of a model of lending, and what the real code passes in it
#   make mutants   a line of the code broken for each promise, and the test that notices
#   make fuzz      each reader of foreign bytes, FUZZ_SECONDS=60 of it
#   make test-fault  SIGKILL, refused requests, failing writes, damaged files, many at once
#   make soak      the same to the full: each errno at each request, each system call, 1,000 cycles
#   make bench     what it costs, beside its peers; a gate that is missed fails
#   make lint asan deps clean

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

# What the programs and their tests are made of, and what the tests and the tour run.
PACKAGES = g++ cmake ninja-build pkg-config \
  libnl-3-dev libnl-route-3-dev libcap-dev libseccomp-dev libmd-dev \
  nlohmann-json3-dev libcli11-dev libfmt-dev libboost-test-dev libvalijson-dev \
  iproute2 ethtool nftables iputils-ping procps socat strace busybox-static jq python3 \
  runc crun podman netavark iptables
LINT_PACKAGES = clang clang-format clang-tidy shellcheck mandoc
GUEST_PACKAGES = linux-source-6.12 flex bison bc xz-utils patch make gcc libc6-dev \
  systemd systemd-sysv udev dbus crun conmon iw
KERNEL_PACKAGES = linux-source-6.12 flex bison bc xz-utils patch make gcc libc6-dev \
  iproute2 iputils-ping util-linux busybox-static
MODEL_PACKAGES = spin gcc libc6-dev
BENCH_PACKAGES = containernetworking-plugins qperf
FUZZ_PACKAGES = clang libclang-rt-14-dev

# A compiler cache is used where there is one.
CCACHE := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

.PHONY: all deps lint-deps fuzz-deps guest-deps kernel-deps model-deps bench-deps build dev run test test-guest \
  test-kernel kernel-package test-fault soak asan-build asan model mutants fuzz bench lint install clean

all: build

deps:
	@packaging/install-packages $(PACKAGES)

lint-deps:
	@packaging/install-packages $(PACKAGES) $(LINT_PACKAGES)

fuzz-deps:
	@packaging/install-packages $(PACKAGES) $(FUZZ_PACKAGES)

guest-deps:
	@packaging/install-packages $(PACKAGES) $(GUEST_PACKAGES)

kernel-deps:
	@packaging/install-packages $(KERNEL_PACKAGES)

model-deps:
	@packaging/install-packages $(PACKAGES) $(MODEL_PACKAGES)

bench-deps:
	@packaging/install-packages $(PACKAGES) $(BENCH_PACKAGES)

build: deps
	@cmake --preset release $(CCACHE) >/dev/null
	@cmake --build --preset release --parallel $(JOBS)
	@install -D -t build/bin build/release/bin/netlend build/release/bin/netlend-hook

dev: deps
	@cmake --preset dev $(CCACHE) >/dev/null
	@cmake --build --preset dev --parallel $(JOBS)

run: build
	@integration/demo build/bin

test: build dev
	@integration/run-tests dev build/bin

test-guest: guest-deps build dev
	@integration/guest/run-tests build/bin

test-kernel: kernel-deps build dev
	@kernel/selftests/run-tests

kernel-package:
	@packaging/kernel-source/build-deb build $$(sed -n 's/^project(netlend VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

asan-build: deps
	@cmake --preset asan $(CCACHE) >/dev/null
	@cmake --build --preset asan --parallel $(JOBS)

asan: asan-build
	@integration/run-tests asan build/asan/bin

test-fault: build dev
	@integration/fault/run build/dev build/bin

soak: build dev
	@integration/fault/run build/dev build/bin soak

model: model-deps dev
	@integration/model/run build/dev/tests

mutants: dev
	@integration/mutants/run build/dev

fuzz: fuzz-deps
	@cmake --preset fuzz $(CCACHE) >/dev/null
	@cmake --build --preset fuzz --parallel $(JOBS)
	@integration/fuzz/run build/fuzz $(FUZZ_SECONDS)

bench: bench-deps build dev
	@integration/bench/run build/bin build/dev/bin

lint: lint-deps
	@cmake --preset tidy $(CCACHE) >/dev/null
	@integration/lint build/tidy $(JOBS)

install: build
	install -D -s -m 755 build/bin/netlend $(DESTDIR)$(PREFIX)/bin/netlend
	install -D -s -m 755 build/bin/netlend-hook $(DESTDIR)$(PREFIX)/libexec/oci/hooks.d/netlend-hook
	sed 's|"/usr/|"$(PREFIX)/|' packaging/hooks.d/50-netlend.json | install -D -m 644 /dev/stdin \
	  $(DESTDIR)$(PREFIX)/share/containers/oci/hooks.d/50-netlend.json
	sed 's|"/usr/|"$(PREFIX)/|' packaging/hooks.d/netlend-precreate.json | install -D -m 644 /dev/stdin \
	  $(DESTDIR)$(PREFIX)/share/netlend/podman-hooks.d/netlend-precreate.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 packaging/man/*.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 packaging/man/*.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/netlend packaging/schema/*.json

clean:
	rm -rf build
