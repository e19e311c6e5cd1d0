# One non-recursive Makefile. MODE=release|debug|asan|tsan|cov|fuzz|fuzzcov chooses flags and the object folder;
# `make help` lists the commands.
MODE ?= release
CC = $(if $(filter fuzz%,$(MODE)),clang-14,gcc)
PREFIX ?= /usr/local
DESTDIR ?=
B = build/$(MODE)
CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/prebuildd
SHELL = /bin/bash

# ---- sources, explicit: a file that is not named here is not part of the program ----
BASE = buf clock digest err file json log mem opt strv trim utf8
MODEL = abi git_hosts job job_limits key name origin package target upstream
AUDIT = arm_code audit elf_arm elf_check elf_cxx elf_entry elf_exports elf_functions elf_isa \
	elf_layout elf_needs elf_notes elf_paths elf_place elf_ranges elf_read elf_relocs elf_sections \
	elf_symbols elf_target format glibc glibc_table macho_check macho_read macho_rules \
	macho_signature musl musl_missing musl_table napi napi_table node_abi node_names pe_check \
	pe_entry pe_read report runs_on x86_code x86_insn x86_reach
TRANSFER = certificates fetch request
SOURCE = default_abi git git_remote git_socket git_tree gitmodules registry unpack
SIGNATURE = envelope minisign
LOCKFILE = lockfile npm pnpm yaml yarn1 yarn2
NATIVES = coverage native survey
PACK = entry_name find_addon inflate pack tar_reader
ENGINE = clone command compile compiled configure configured engine footprint manifest mirror npm online \
	pre_gyp resolve run share steps trace usage
REMOTE = remote
CTL = assemble build bundle check command coverage_report download export fetch follow gc hand_in import lock matrix prebuildctl printable \
	progress publish signed source status targets token verify
HTTP = conn fault give head intake limits method out parser peers range reply request router scan \
	server spool status target
CATALOG = artifacts catalog db deliveries events field jobs jobs_json leases matrix migrations npm page postgres retention sources \
	sqlite tally tokens toolchains
REGISTRY = manifest release tarball
STORE = bucket fs listing s3 store
ROUTES = artifacts auth build_request builds check content dist electron events gc grants health jobs key lease matrix metrics \
	misses npm openapi page policy prebuilds publish result service sources tokens upstreams webhooks

BUILDER_SRC = $(BASE:%=builder/base/%.c) $(MODEL:%=builder/model/%.c) $(AUDIT:%=builder/audit/%.c) \
	$(TRANSFER:%=builder/transfer/%.c) $(SOURCE:%=builder/source/%.c) $(PACK:%=builder/pack/%.c) \
	$(LOCKFILE:%=builder/lockfile/%.c) $(NATIVES:%=builder/natives/%.c) \
	builder/toolchain/electron.c builder/toolchain/toolchain.c builder/plan/commands.c builder/plan/plan.c builder/plan/flags.c builder/plan/msvc.c \
	builder/plan/weight.c builder/plan/xcode.c \
	$(SIGNATURE:%=builder/signature/%.c) builder/check/check.c builder/check/load.c builder/sandbox/confine.c builder/sandbox/sandbox.c \
	builder/sandbox/seccomp.c builder/loop/child.c \
	$(ENGINE:%=builder/engine/%.c) $(REMOTE:%=builder/remote/%.c)
API_SRC = $(HTTP:%=api/http/%.c) $(CATALOG:%=api/catalog/%.c) $(ROUTES:%=api/routes/%.c) \
	$(STORE:%=api/store/%.c) api/webhooks/signature.c api/webhooks/webhooks.c \
	$(REGISTRY:%=api/registry/%.c) api/retention/retention.c \
	api/publish/documents.c api/publish/publish.c api/sign/key.c api/sign/provenance.c \
	api/embedded.c api/front.c api/fronts.c api/serve.c api/settings.c \
	builder/check/confined.c builder/source/git_program.c
WORKER_SRC = workers/inventory.c workers/main.c workers/privilege.c workers/quota.c \
	workers/reported.c workers/scratch.c workers/slot.c workers/sources.c workers/task.c
CTL_SRC = $(CTL:%=builder/cli/%.c)
TESTS = abi audit audit_rules bucket build_request catalog_artifacts catalog_db catalog_jobs \
	catalog_sources catalog_tokens catalog_turns compiled configured coverage \
	default_abi electron elf_functions elf_ranges elf_read engine events fetch file git git_hosts gitmodules grants \
	http_body http_parser http_peers http_range http_reply http_router http_server http_spool \
	http_target inventory job job_limits json listing lockfile macho minisign musl name native npm openapi opt origin pack \
	package pe plan policy quota registry release retention run sandbox scratch share signature sources store tarball target unpack \
	unpack_formats unpack_limits upstream utf8 x86_insn
TEST_LIB = audit_sample canned_http catalog_fixture elf_build http_fixture macho_build pe_build plan_toolchain \
	raw_tar seed test toolchains unpack_box
ALL_SRC = $(BUILDER_SRC) $(API_SRC) $(WORKER_SRC) $(CTL_SRC) builder/cli/prebuildd.c
TEST_SRC = $(TESTS:%=tests/unit/%_test.c) tests/contract/http_hostile_test.c $(TEST_LIB:%=tests/lib/%.c)
FORMATTED = $(ALL_SRC) $(wildcard $(addsuffix *.h,$(sort $(dir $(ALL_SRC) $(TEST_SRC))))) \
	$(wildcard tests/*/*.c tests/*/*.h tests/bench/lib/*.c)
SCRIPTS = $(wildcard tests/*/*.sh tests/bench/*/*.sh toolchains/*.sh \
	toolchains/lib/*.sh toolchains/sandbox/*.sh) \
	toolchains/windows/run-node builder/audit/musl_table.sh .ci/run

# ---- libraries, all from Debian ----
PACKAGES = libuv libcurl libarchive libgit2 libcjson libsodium sqlite3 libseccomp yaml-0.1 expat libpq
APT = gcc make pkg-config libuv1-dev node-llhttp libcurl4-openssl-dev libarchive-dev libgit2-dev \
	libcjson-dev libsodium-dev libsqlite3-dev libseccomp-dev libzydis-dev libyaml-dev libexpat1-dev libpq-dev bubblewrap util-linux \
	nodejs npm ca-certificates curl procps
APT_TEST = clang-14 clang-format-14 clang-tidy-14 cppcheck minisign shellcheck valgrind libclang-rt-14-dev \
	binutils chromium g++ postgresql python3 python3-swift python3-yaml file zstd xz-utils lld-14 llvm-14 libelf-dev
APT_BENCH = wrk nginx gcc g++ make python3 binutils postgresql
# Zydis comes without a file for pkg-config.
ZYDIS = $(wildcard /usr/include/Zydis/Zydis.h)
LLHTTP = $(wildcard /usr/share/llhttp)
LLHTTP_SRC = $(addprefix $(LLHTTP)/,api.c http.c llhttp.c)
# Strict mode must be the same for the parser and for who calls it.
LLHTTP_FLAGS = -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -I/usr/include/llhttp

FLAGS_release = -O2 -D_FORTIFY_SOURCE=2
FLAGS_debug = -O0
FLAGS_asan = -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan = -O1 -fsanitize=thread
FLAGS_cov = -O0 --coverage
FLAGS_fuzz = -fsanitize=fuzzer-no-link $(FLAGS_asan)
FLAGS_fuzzcov = -O1 -fprofile-instr-generate -fcoverage-mapping
WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	$(if $(CI)$(WERROR),-Werror)
# Hidden, because a name of ours must not take the place of one in a library: libgit2's HTTP has
# http_parser_init, too.
CFLAGS = -std=c11 -D_GNU_SOURCE -g -fvisibility=hidden -fstack-protector-strong -fPIE -pthread $(FLAGS_$(MODE)) $(WARN) \
	-I. -I$(B)/gen $(LLHTTP_FLAGS) $(PC_CFLAGS)
LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(FLAGS_$(MODE))

ifneq ($(filter-out setup clean help demo test fuzz fuzz-coverage run bench,$(or $(MAKECMDGOALS),all)),)
PC_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lZydis
endif

# One short line a file; V=1 shows the commands.
Q = $(if $(V),,@echo "  $(1) $@"; )

OBJ = $(1:%.c=$(B)/%.o)
LIB_OBJ = $(call OBJ,$(BUILDER_SRC) $(API_SRC) $(WORKER_SRC)) $(B)/gen/embed_builder.o \
	$(B)/gen/embed_api.o \
	$(patsubst $(LLHTTP)/%.c,$(B)/llhttp/%.o,$(LLHTTP_SRC))
CTL_OBJ = $(call OBJ,$(CTL_SRC) $(BUILDER_SRC)) $(B)/gen/embed_builder.o
BIN = $(if $(filter release,$(MODE)),build,$(B))

.PHONY: all programs tests setup setup-test setup-bench demo test run bench check-layers \
	check-format format lint fuzz fuzz-coverage fuzzers install clean help deps nightly
.DELETE_ON_ERROR:

all: deps programs
programs: $(BIN)/prebuildd $(BIN)/prebuildctl

help:
	@echo 'make            build/prebuildd and build/prebuildctl'
	@echo 'make setup      install what the project needs (Debian and npm packages)'
	@echo 'make demo       the whole way: build sqlite3 for two architectures, install it, query it'
	@echo 'make test       every test; the last line is "N passed, N failed"'
	@echo 'make run        start the service, data under ./var'
	@echo 'make nightly    every target, built twice and compared, and the slow tests'
	@echo 'make bench      measure, against nginx, node-gyp and the bare compiler'
	@echo 'make fuzz       look for inputs that break the parsers, FUZZ_SECONDS=30 for each'
	@echo 'make fuzz-coverage   how many lines of the parsers those inputs reach'
	@echo 'make check-layers check-format format lint install clean'

# Names what is missing before the compiler does.
deps:
	@for p in $(PACKAGES); do pkg-config --exists $$p || { \
		echo "make: the library $$p is missing; install it with: make setup" >&2; exit 1; }; done
	@test -n "$(ZYDIS)" || { \
		echo "make: the library Zydis is missing; install it with: make setup" >&2; exit 1; }
	@test -n "$(LLHTTP)" || { \
		echo "make: llhttp is missing; install it with: make setup" >&2; exit 1; }

$(BIN)/prebuildd: $(B)/builder/cli/prebuildd.o $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BIN)/prebuildctl: $(CTL_OBJ)
	@mkdir -p $(@D)
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: %.c | deps
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Generated by others: our warnings are not for it.
$(B)/llhttp/%.o: $(LLHTTP)/%.c | deps
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) -std=c11 -g -O2 -fPIE $(filter -fsanitize%,$(FLAGS_$(MODE))) $(LLHTTP_FLAGS) \
		-c -o $@ $<

$(B)/gen/target_table.inc: builder/model/target_table.awk $(wildcard toolchains/targets/*.conf)
	@mkdir -p $(@D)
	@LC_ALL=C awk -f $< $(sort $(filter %.conf,$^)) > $@
$(B)/builder/model/target.o: $(B)/gen/target_table.inc

# Files that are part of the programs, as C strings.
$(B)/gen/embed_builder.c: builder/plan/plan.py builder/engine/loadtest.js
$(B)/gen/embed_api.c: api/web/index.html api/web/page.css api/web/page.js api/openapi.json api/registry/loader.js api/registry/platform.js
$(B)/gen/embed_%.c: builder/base/embed.awk
	@mkdir -p $(@D)
	@LC_ALL=C awk -f $< $(filter-out %.awk,$^) > $@
$(B)/gen/embed_%.o: $(B)/gen/embed_%.c
	$(call Q,CC)$(CC) $(CFLAGS) -c -o $@ $<

# ---- tests ----
# An archive: each program gets what it calls, which links faster, and a fuzzer counts the edges of that only.
$(B)/parts.a: $(LIB_OBJ) $(call OBJ,$(TEST_LIB:%=tests/lib/%.c) tests/lib/facts.c)
	@rm -f $@
	$(call Q,AR)ar rcs $@ $^
$(B)/tests/%_test: $(B)/tests/%_test.o $(B)/parts.a
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/libelf_facts: LIBS += -lelf
$(B)/tests/%_facts: $(B)/tests/lib/%_facts.o $(B)/parts.a
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/bench/queue: $(B)/tests/bench/lib/queue.o $(B)/parts.a
	@mkdir -p $(@D)
	$(call Q,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
TEST_BIN = $(TESTS:%=$(B)/tests/unit/%_test) $(B)/tests/contract/http_hostile_test
tests: deps $(TEST_BIN) $(addprefix $(B)/tests/,elf_facts libelf_facts pe_facts)
.SECONDARY:

setup:
	@tests/lib/setup.sh $(APT) $$(cat toolchains/host-packages.txt)
setup-test: setup
	@tests/lib/setup.sh $(APT) $(APT_TEST) $$(cat toolchains/host-packages.txt)
setup-bench: setup
	@tests/lib/setup.sh $(APT) $(APT_BENCH) $$(cat toolchains/host-packages.txt)

demo: setup
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@tests/scenarios/demo.sh

test: setup-test
	@$(MAKE) --no-print-directory -j$$(nproc) WERROR=1 programs tests
	@tests/lib/run_all.sh

# What takes long: every target, built twice and compared, and the tests that build sqlite3 natively.
nightly:
	@$(MAKE) --no-print-directory demo TARGETS=all
	@SLOW=1 $(MAKE) --no-print-directory test

# BENCH="name name", PAIRS=n, PACKAGE=name@version, TARGETS="…" choose and shorten.
bench: setup-bench
	@$(MAKE) --no-print-directory -j$$(nproc) programs $(B)/tests/bench/queue
	@tests/bench/run.sh

run: setup
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	build/prebuildctl toolchain assemble $(or $(TARGETS),x86_64-linux-gnu aarch64-linux-gnu) \
		--toolchains $(CACHE)/toolchains
	build/prebuildd serve --data ./var --toolchains $(CACHE)/toolchains

check-layers:
	@tests/lib/check_layers.sh
check-format:
	@clang-format-14 --dry-run --Werror $(FORMATTED) && echo "check-format: $(words $(FORMATTED)) files"
format:
	@clang-format-14 -i $(FORMATTED)

# A command in report's arguments would hide the status that it reports: tests/lib/service.sh, ended.
lint: $(B)/gen/target_table.inc
	! grep -rnE '\breport ".*\$$\(' tests
	@echo '  SHELLCHECK $(words $(SCRIPTS)) files'; printf '%s\n' $(SCRIPTS) | xargs -n 8 -P $$(nproc) \
		shellcheck -x -S warning -e SC2034,SC2154
	cppcheck --quiet -j $$(nproc) --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=ctunullpointer --suppress=ctuuninitvar \
		-DLLHTTP_STRICT_MODE=1 -D_GNU_SOURCE -I. -I$(B)/gen $(ALL_SRC)
	@echo '  TIDY $(words $(ALL_SRC)) files'; printf '%s\n' $(ALL_SRC) | xargs -n 8 -P $$(nproc) sh -c \
		'tests/lib/tidy.sh $(CACHE)/tidy "$$@" -- -std=c11 -D_GNU_SOURCE -I. -I$(B)/gen $(LLHTTP_FLAGS) \
		$(PC_CFLAGS)' sh

# ---- fuzzing: docs/fuzzing.md. FUZZ_SECONDS for each; FUZZ="elf pe" chooses ----
FUZZERS = $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ ?= $(FUZZERS)
FUZZ_SECONDS ?= 30
# The tests that make what the harnesses begin with: tests/fuzz/seeds.sh.
SEED_TESTS = audit_rules build_request elf_functions elf_read macho minisign pack pe plan unpack unpack_formats \
	unpack_limits
fuzz: setup-test
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=fuzz fuzzers
	@tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)
# Lines that what was found so far reaches, without sanitizers, whose own branches nothing reaches.
fuzz-coverage: setup-test
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=fuzzcov fuzzers
	@tests/fuzz/coverage.sh $(FUZZ)
fuzzers: deps $(FUZZERS:%=$(B)/fuzz/%) $(SEED_TESTS:%=$(B)/tests/unit/%_test)
FUZZ_LIB = $(call OBJ,tests/fuzz/tar_input.c tests/fuzz/audit_input.c)
$(B)/fuzz/%: $(B)/tests/fuzz/%_fuzz.o $(FUZZ_LIB) $(B)/parts.a
	@mkdir -p $(@D)
	$(call Q,LD)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

install: all
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/bin build/prebuildd build/prebuildctl
	mkdir -p $(DESTDIR)$(PREFIX)/share/prebuildd
	cp -R toolchains $(DESTDIR)$(PREFIX)/share/prebuildd/
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man1 docs/man/prebuildd.1 docs/man/prebuildctl.1
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system docs/systemd/prebuildd.service

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
