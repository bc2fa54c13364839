# SPDX-License-Identifier: Apache-2.0
# A thin face over CMakePresets.json.
#   make demo [INPUT=path]   count the words of real text, query them
#   make test                build everything, run all tests
#   make bench [ONLY=name]   benchmarks beside their baselines, to build/bench.jsonl
#   make soak                the long simulation and kill tests
#   make install PREFIX=dir  the library, headers and the trident command
.PHONY: demo test bench soak build deps format install clean
.DEFAULT_GOAL := build
PREFIX ?= /usr/local
export INPUT ONLY

deps:
	@scripts/install-deps

build: deps
	@cmake --preset dev --log-level=WARNING
	@cmake --build --preset dev

demo: build
	@scripts/demo

test: build
	@scripts/test

bench: build
	@build/bench --only="$(ONLY)" --json=build/bench.jsonl

soak: build
	@scripts/soak

install: build
	@cmake --install build --prefix "$(PREFIX)"

format: deps
	@scripts/install-deps lint
	@scripts/format

clean:
	rm -rf build build-*
