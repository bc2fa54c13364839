# SPDX-License-Identifier: Apache-2.0
# A thin face over CMakePresets.json.
#   make demo [INPUT=path]   count the words of real text, query them
#   make cluster-demo        the same with three workers, killed amid the work
#   make test                build all but the benchmarks, run all tests
#   make bench [ONLY=name]   benchmarks beside their baselines, to build/bench.jsonl
#   make soak                the long simulation and kill tests
#   make install PREFIX=dir  the library, headers and the trident command
# Each builds what it needs and nothing else, all of them in build/.
.PHONY: demo cluster-demo test bench soak build configure deps format install clean
.DEFAULT_GOAL := build
PREFIX ?= /usr/local
export INPUT ONLY

deps:
	@scripts/install-deps

configure: deps
	@cmake --preset dev --log-level=WARNING

build: configure
	@cmake --build --preset dev

demo: configure
	@cmake --build --preset dev --target demo
	@scripts/demo

cluster-demo: configure
	@cmake --build --preset dev --target demo
	@scripts/cluster-demo

test: build
	@scripts/test

bench: configure
	@cmake --build --preset dev --target bench
	@build/bench --only="$(ONLY)" --json=build/bench.jsonl

soak: build
	@scripts/soak

install: configure
	@cmake --build --preset dev --target installed
	@cmake --install build --prefix "$(PREFIX)"

format: deps
	@scripts/install-deps lint
	@scripts/format

clean:
	rm -rf build build-*
