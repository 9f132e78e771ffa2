# A machine with a Swift toolchain needs two commands: `make quickstart` and `make test`. `make help` lists the others.

SWIFT ?= swift
# Further flags of every build, such as -Xswiftc -warnings-as-errors.
SWIFT_FLAGS ?=

# The folder with MNIST. Tests that need it are skipped where there is none.
ifeq ($(AIRFRAME_DATA),)
AIRFRAME_DATA := $(abspath $(patsubst %/mnist,%,$(firstword $(wildcard ../shared/data/mnist data/mnist))))
endif
ifneq ($(AIRFRAME_DATA),)
export AIRFRAME_DATA
endif

# Tests train, so they run optimized. Their builds differ in flags from the others and have a folder of their own:
# neither kind makes the other start from nothing.
TESTS := $(SWIFT_FLAGS) -c release -Xswiftc -enable-testing --scratch-path .build/tests

.DEFAULT_GOAL := help
.PHONY: help quickstart dependencies build test build-tests format lint clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

quickstart: build ## install what is missing, build, and train a small model
	.build/release/airframe train configs/quickstart.yaml

dependencies: ## install missing system libraries (Debian and its kin)
	@scripts/install-dependencies.sh

build: dependencies ## build .build/release/airframe
	$(SWIFT) build -c release $(SWIFT_FLAGS)

test: dependencies ## build and run all tests (TESTS_ONLY=PATTERN: those whose names match)
ifeq ($(AIRFRAME_DATA),)
	@echo 'No MNIST here, so its tests are skipped: `airframe data fetch mnist`, or set AIRFRAME_DATA.'
endif
	$(SWIFT) test $(TESTS) $(if $(TESTS_ONLY),--filter '$(TESTS_ONLY)')

# `swift test list` builds with the flags of `swift test`; `swift build --build-tests` has others.
build-tests: dependencies ## build all tests, and .build/tests/release/airframe, without running them
	$(SWIFT) test list $(TESTS) > /dev/null

format: ## format all Swift files in place
	$(SWIFT) format -i -r Sources Tests Fuzzing Package.swift

lint: ## check the format of all Swift files
	$(SWIFT) format lint -r --strict Sources Tests Fuzzing Package.swift

clean: ## remove all that was built (runs and data stay)
	rm -rf .build
