# SPDX-License-Identifier: MIT
# Two commands: `make run` boots a guest, `make check` runs all tests.
# `make run GUEST=help` lists the guests.
GUEST ?= debian

.PHONY: all run check check-long clean install

all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@tools/install-deps --run
	@./configure

run:
	@tools/install-deps --run
	@[ -f build/build.ninja ] || ./configure
	@ninja -C build
	@tools/run-guest $(GUEST)

check:
	@tools/install-deps --check
	@tools/check

check-long:
	@tools/install-deps --check
	@tools/check --long

install: all
	@ninja -C build install

clean:
	@rm -rf build build-*
