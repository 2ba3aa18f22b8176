# What people type. Every target first installs what is missing (scripts/deps) and builds what it needs.
# `make help` lists the targets; JOBS=N sets the parallelism, FUZZ_SECONDS=N the time of each fuzz target.
JOBS ?= 2
FUZZ_SECONDS ?= 60
# 0: another one each time.
FUZZ_SEED ?= 0
BUILD := cmake --build
# Set, the build shows only what compilers say (the log of a CI run has room for what matters).
QUIET ?=
QUIETLY := $(if $(QUIET),-- --quiet)
.DEFAULT_GOAL := help
.PHONY: help demo test build examples fuzz fuzz-long lint format asan tsan clean bench-verify bench-jit bench-maps configure \
        test-arm64 deps-build deps-test deps-fuzz deps-lint deps-arm64

help:
	@echo "make demo          verify the examples, run the firewall over a capture, show three refusals"
	@echo "make test          build everything and run all tests"
	@echo "make build         leave the release binary at build/osmia"
	@echo "make asan | tsan   the tests under AddressSanitizer+UBSan, or ThreadSanitizer"
	@echo "make test-arm64    the engines built for arm64, their tests under qemu-user"
	@echo "make fuzz          every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds; fuzz-long: an hour each"
	@echo "make lint          clang-format and clang-tidy on the files changed against LINT_BASE (default: origin/main)"
	@echo "make format        apply clang-format 14 to every source"
	@echo "make bench-verify [OBJECTS=DIR] | bench-jit [BENCH_DIR=DIR] | bench-maps     against the live kernel"
	@echo "make clean         remove every build folder"

deps-build:
	@scripts/deps build
deps-test:
	@scripts/deps build test
deps-fuzz:
	@scripts/deps build test fuzz
deps-arm64:
	@scripts/deps build test arm64
deps-lint:
	@scripts/deps build test lint

# The tests of one build folder need GoogleTest; the demo does not, so it configures without them if there is none yet.
configure: deps-build
	@if [ -f build/CMakeCache.txt ]; then cmake build >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }; \
	else cmake --preset release -DOSMIA_TESTS=OFF; fi

build: configure
	$(BUILD) build -j$(JOBS) --target osmia

examples: configure
	$(BUILD) build -j$(JOBS) --target examples

demo: configure
	$(BUILD) build -j$(JOBS) --target osmia examples
	@scripts/demo

test: deps-test
	cmake --preset release -DOSMIA_TESTS=ON
	$(BUILD) build -j$(JOBS) $(QUIETLY)
	build/tests/gate/bpf_gate ctest --test-dir build -j$(JOBS) --output-on-failure --no-tests=error

# The processor that qemu shows by default has atomics in one instruction (LSE); cortex-a72 has not.
test-arm64: deps-arm64
	cmake --preset arm64
	$(BUILD) build-arm64 -j$(JOBS)
	ctest --test-dir build-arm64 -j$(JOBS) --output-on-failure --no-tests=error
	QEMU_CPU=cortex-a72 ctest --test-dir build-arm64 -j$(JOBS) --output-on-failure --no-tests=error -R 'rfc9669|unit.jit'

format: deps-lint
	git ls-files -- 'src/*.cpp' 'src/*.h' 'include/*.h' 'tests/*.cpp' 'tests/*.h' | xargs -r clang-format-14 -i

asan: deps-test
	cmake --preset asan
	$(BUILD) build-asan -j$(JOBS)
	ctest --test-dir build-asan -j$(JOBS) --output-on-failure --no-tests=error

tsan: deps-test
	cmake --preset tsan
	$(BUILD) build-tsan -j$(JOBS)
	ctest --test-dir build-tsan -j$(JOBS) --output-on-failure --no-tests=error

fuzz: deps-fuzz
	@JOBS=$(JOBS) QUIET=$(QUIET) scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_SEED)

fuzz-long: deps-fuzz
	@JOBS=$(JOBS) scripts/fuzz 3600 0

lint: deps-lint
	@JOBS=$(JOBS) scripts/lint

bench-verify bench-jit bench-maps: configure
	$(BUILD) build -j$(JOBS) --target bench-workers examples >&2
	@OBJECTS="$(OBJECTS)" BENCH_DIR="$(BENCH_DIR)" bench/$@

clean:
	rm -rf build build-asan build-tsan build-fuzz
