# The kernel's own test_progs, out of Debian's linux-source package, for scripts/kernel-tests.
#
# Objects are those of the oracle's build_selftests.sh (ROOT/build/progs-v3); here come the skeletons of them and the
# C side. `make -k`: a file that does not compile is left out of the binary (it is named in OUT/left_out), which is why
# the link is a step of its own that takes what is there.
ROOT ?= $(error set ROOT)
ST := $(ROOT)/linux/tools/testing/selftests/bpf
TOOLS := $(ROOT)/linux/tools
LIBBPF := $(ROOT)/build/root612
PROGS := $(ROOT)/build/progs-v3
OUT := $(ROOT)/build/test_progs
BPFTOOL := $(ROOT)/build/bpftool/bootstrap/bpftool
CC := $(if $(shell command -v ccache),ccache )gcc

# -O1: the tests' stacks and timings are made for unoptimised code, the build time for a small machine.
CFLAGS := -O1 -g1 -w -rdynamic -fno-omit-frame-pointer -D_GNU_SOURCE -I$(OUT) -I$(ST) -I$(LIBBPF)/include \
	-I$(TOOLS)/lib -I$(TOOLS)/include -I$(TOOLS)/arch/x86/include -I$(TOOLS)/include/uapi
LIBS := $(LIBBPF)/lib/libbpf.a -lelf -lz -lrt -lpthread

# As in the selftests' Makefile: which objects make which kind of skeleton.
LSKELS := fentry_test fexit_test fexit_sleep atomics trace_printk trace_vprintk map_ptr_kern core_kern \
	core_kern_overflow test_ringbuf test_ringbuf_n test_ringbuf_map_key test_ringbuf_write
LSKELS_EXTRA := test_ksyms_module test_ksyms_weak kfunc_call_test kfunc_call_test_subprog
linked.test_static_linked := test_static_linked1 test_static_linked2
linked.linked_funcs := linked_funcs1 linked_funcs2
linked.linked_vars := linked_vars1 linked_vars2
linked.linked_maps := linked_maps1 linked_maps2
linked.test_subskeleton := test_subskeleton_lib2 test_subskeleton_lib test_subskeleton
linked.test_subskeleton_lib := test_subskeleton_lib2 test_subskeleton_lib
linked.test_usdt := test_usdt test_usdt_multispec
LINKED := $(patsubst linked.%,%,$(filter linked.%,$(.VARIABLES)))

OBJECTS := $(basename $(basename $(notdir $(wildcard $(PROGS)/*.bpf.o))))
PLAIN := $(filter-out btf__% test_pinning_invalid test_sk_assign $(LSKELS) \
	$(foreach l,$(LINKED),$(linked.$(l))),$(OBJECTS))
SKELS := $(addprefix $(OUT)/,$(addsuffix .skel.h,$(PLAIN) $(LINKED)) \
	$(addsuffix .lskel.h,$(filter $(OBJECTS),$(LSKELS) $(LSKELS_EXTRA))))

TESTS := $(patsubst $(ST)/prog_tests/%.c,$(OUT)/%.test.o,$(wildcard $(ST)/prog_tests/*.c))
SUPPORT := $(addprefix $(OUT)/,cgroup_helpers.o trace_helpers.o network_helpers.o testing_helpers.o btf_helpers.o \
	cap_helpers.o unpriv_helpers.o netlink_helpers.o jit_disasm_helpers.o test_loader.o xsk.o disasm.o \
	disasm_helpers.o json_writer.o)
RESOLVE := $(TOOLS)/bpf/resolve_btfids/main.c $(addprefix $(TOOLS)/lib/,rbtree.c zalloc.c string.c ctype.c \
	str_error_r.c) $(addprefix $(TOOLS)/lib/subcmd/,exec-cmd.c help.c pager.c parse-options.c run-command.c \
	sigchain.c subcmd-config.c)

.PHONY: skeletons tests link
.DELETE_ON_ERROR:
skeletons: $(SKELS)
tests: $(SUPPORT) $(TESTS)

# Linking an object thrice must come to rest: the third pass equals the second.
define skeleton
	@set -e; t=$(basename $(basename $@)).$(1)tmp; $(BPFTOOL) gen object $$t.1.o $(2) && $(BPFTOOL) gen object $$t.2.o $$t.1.o && \
	$(BPFTOOL) gen object $$t.3.o $$t.2.o && cmp $$t.2.o $$t.3.o && \
	$(BPFTOOL) gen skeleton $(3) $$t.3.o name $(4) > $@ $(5); rm -f $$t.1.o $$t.2.o $$t.3.o
endef
subskeleton = && $(BPFTOOL) gen subskeleton $$t.3.o name $(1) > $(@:.skel.h=.subskel.h)

.SECONDEXPANSION:
$(OUT)/%.skel.h: $$(addprefix $(PROGS)/,$$(addsuffix .bpf.o,$$(or $$(linked.$$*),$$*)))
	$(call skeleton,s,$^,,$*,$(call subskeleton,$*))
$(OUT)/%.lskel.h: $(PROGS)/%.bpf.o
	$(call skeleton,l,$^,-L,$*_lskel)

# From OUT, so that tests which embed an object (.incbin) find it.
$(OUT)/%.test.o: $(ST)/prog_tests/%.c
	@cd $(OUT) && $(CC) -I. $(CFLAGS) -c $< -o $@ 2> $(OUT)/$*.test.err
$(OUT)/disasm.o: $(ROOT)/linux/kernel/bpf/disasm.c
	@$(CC) $(CFLAGS) -I$(ROOT)/linux/kernel/bpf -c $< -o $@
$(OUT)/disasm_helpers.o: $(ST)/disasm_helpers.c
	@$(CC) $(CFLAGS) -I$(ROOT)/linux/kernel/bpf -include $(TOOLS)/include/linux/kernel.h -c $< -o $@
$(OUT)/%.o: $(ST)/%.c
	@$(CC) $(CFLAGS) -c $< -o $@

# test_progs.c includes the list of tests, so it is compiled when the rest is known. The test module cannot be loaded
# into a process: the two functions that do it answer that it is there, as scripts/conformance does for test_verifier
# (Osmia knows the module by its BTF).
BUILT = $(wildcard $(OUT)/*.test.o)
link:
	@mkdir -p $(OUT)/prog_tests
	@{ echo '/* made by kernel_tests.mk */'; sed -n -E 's/^void (serial_)?test_([a-zA-Z0-9_]+)\((void)?\).*/DEFINE_TEST(\2)/p' \
		$(patsubst $(OUT)/%.test.o,$(ST)/prog_tests/%.c,$(BUILT)) | sort; } > $(OUT)/prog_tests/tests.h
	$(CC) $(CFLAGS) -c $(ST)/test_progs.c -o $(OUT)/test_progs.o
	$(CC) -w -O1 -c $(ROOT)/build/testmod_stub.c -o $(OUT)/testmod_stub.o
	gcc -rdynamic $(BUILT) $(SUPPORT) $(OUT)/test_progs.o $(OUT)/testmod_stub.o -Wl,--wrap=load_bpf_testmod \
		-Wl,--wrap=unload_bpf_testmod -Wl,--warn-unresolved-symbols $(LIBS) -o $(OUT)/test_progs
	$(CC) -O1 -w -D_GNU_SOURCE -I$(TOOLS)/include -I$(TOOLS)/include/uapi -I$(TOOLS)/lib -I$(TOOLS)/lib/subcmd/.. \
		-I$(LIBBPF)/include $(RESOLVE) $(LIBS) -o $(OUT)/resolve_btfids && \
		$(OUT)/resolve_btfids --btf $(PROGS)/btf_data.bpf.o $(OUT)/test_progs
	@ln -sf $(BPFTOOL) $(OUT)/bpftool; rm -f $(OUT)/left_out; for e in $(TESTS); do [ -f $$e ] || basename $$e .test.o >> $(OUT)/left_out; done; \
		cp -u $(PROGS)/*.bpf.o $(ST)/progs/btf_dump_test_case_*.c $(OUT)/
