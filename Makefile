# With a Swift toolchain installed, two commands are enough: `make quickstart` and `make test`. `make help` lists all.

SWIFT ?= swift
# Additional flags for every build, such as -Xswiftc -warnings-as-errors.
SWIFT_FLAGS ?=

# The folder with MNIST. Tests that need it are skipped if it is not found.
ifeq ($(AIRFRAME_DATA),)
AIRFRAME_DATA := $(abspath $(patsubst %/mnist,%,$(firstword $(wildcard data/mnist))))
endif
ifneq ($(AIRFRAME_DATA),)
export AIRFRAME_DATA
endif

# Tests train models, so they are built with optimization. Their flags differ from those of other builds, so they have
# their own build folder. Otherwise each kind of build would force the other to start from scratch.
TESTS := $(SWIFT_FLAGS) -c release -Xswiftc -enable-testing --scratch-path .build/tests

.DEFAULT_GOAL := help
.PHONY: help quickstart dependencies build test build-tests format lint clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

quickstart: build ## install missing libraries, build, and train a small model
	.build/release/airframe train configs/quickstart.yaml

dependencies: ## install missing system libraries (Debian and its derivatives)
	@scripts/install-dependencies.sh

build: dependencies ## build .build/release/airframe
	$(SWIFT) build -c release $(SWIFT_FLAGS)

test: dependencies ## build and run all tests (TESTS_ONLY=PATTERN: those whose names match)
ifeq ($(AIRFRAME_DATA),)
	@echo 'No MNIST here, so its tests are skipped: `airframe data fetch mnist`, or set AIRFRAME_DATA.'
endif
	$(SWIFT) test $(TESTS) $(if $(TESTS_ONLY),--filter '$(TESTS_ONLY)')

# `swift test list` builds with the same flags as `swift test`; `swift build --build-tests` uses other flags.
build-tests: dependencies ## build all tests, and .build/tests/release/airframe, without running them
	$(SWIFT) test list $(TESTS) > /dev/null

format: ## format all Swift files in place
	$(SWIFT) format -i -r Sources Tests Fuzzing Package.swift

lint: ## check the format of all Swift files
	$(SWIFT) format lint -r --strict Sources Tests Fuzzing Package.swift

clean: ## remove all build products (runs and data are kept)
	rm -rf .build
