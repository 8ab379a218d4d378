# stepimg: build, install, and what TARGETS names. The path of this folder may hold anything: none is absolute here.

# Each of these first installs what it misses on a Debian system, then starts make anew: what pkg-config says may have
# changed.
TARGETS    := demo test test-all sanitize debug check bench fuzz soak coverage mutants test-fresh test-hosts test-gnutls \
  test-arch windows test-windows macos

PREFIX     ?= /usr/local
LUA        ?= $(shell command -v lua5.4 || command -v lua)
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
# LUA=luajit, lua5.1 … lua5.5: for that Lua, below build/; LUAS: those that test-all asks.
FLAVOUR    := $(or $(shell $(LUA) -e 'io.write(jit and "luajit" or "lua" .. _VERSION:match "%d%.%d")' 2>/dev/null),lua5.4)
VERSION    := $(if $(filter luajit,$(FLAVOUR)),5.1,$(FLAVOUR:lua%=%))
LUAS       ?= lua5.4 luajit lua5.1 lua5.2 lua5.3 $(shell command -v lua5.5 >/dev/null && echo lua5.5)
LUA_PC     := $(if $(filter luajit,$(FLAVOUR)),luajit,$(shell for p in lua$(VERSION) lua-$(VERSION) lua$(subst .,,$(VERSION)) lua; do case $$($(PKG_CONFIG) --modversion $$p 2>/dev/null) in ($(VERSION)*) echo $$p; break;; esac; done))
LUA_CMOD   ?= $(PREFIX)/lib/lua/$(VERSION)
LIBDIR     ?= $(PREFIX)/lib
TYPES      ?= $(PREFIX)/share/stepimg
INCLUDEDIR ?= $(PREFIX)/include
PROMPT     ?= a lighthouse on a cliff at dusk, oil painting

# SANITIZE=address, thread, valgrind or debug: a build of its own below build/, with its module in it.
BUILD   := build$(SANITIZE:%=/%)
OUT     := $(BUILD)$(filter-out /lua5.4,/$(FLAVOUR))
MODULE  := $(if $(filter build,$(OUT)),,$(OUT)/)stepimg.so
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes $(if $(CI),-Werror)
HARDEN  := -fstack-protector-strong -D_FORTIFY_SOURCE=2
FOR_address := -DSTEPIMG_DEBUG -fsanitize=address,undefined -fsanitize-undefined-trap-on-error
FOR_thread  := -DSTEPIMG_DEBUG -fsanitize=thread
FOR_debug   := -DSTEPIMG_DEBUG
CFLAGS  ?= -O2 -g
# 32-bit systems: files beyond 2 GiB, and on file systems with large numbers, are files too.
OURS    := -std=c11 -D_FILE_OFFSET_BITS=64 -fPIC -fvisibility=hidden -pthread $(WARN) $(or $(FOR_$(SANITIZE)),$(HARDEN)) -MMD -MP
# LuaRocks passes these folders, with whatever is in their names; else pkg-config knows.
quote    = '$(subst ','\'',$(1))'
LUA_CF   = $(if $(LUA_INCDIR),-I$(call quote,$(LUA_INCDIR)),$(shell $(PKG_CONFIG) --cflags $(LUA_PC)))
CURL_CF  = $(if $(CURL_INCDIR),-I$(call quote,$(CURL_INCDIR)),$(shell $(PKG_CONFIG) --cflags libcurl))
LUA_LD   = $(shell $(PKG_CONFIG) --libs $(LUA_PC)) -lm -Wl,-E # of hosts: C modules find Lua in them
CURL_LD  = $(if $(CURL_LIBDIR),-L$(call quote,$(CURL_LIBDIR)) -lcurl,$(shell $(PKG_CONFIG) --libs libcurl))
# lua_close unloads modules; the I/O thread's code is not to vanish under it (-z nodelete).
# Of the core's names none: two copies in one process would meet.
SYSTEM    ?= $(shell uname)
SHARED_LD := -shared -Wl,-z,relro,-z,now,-z,nodelete
LD_Darwin := -bundle -Wl,-undefined,dynamic_lookup,-exported_symbol,_luaopen_stepimg # base/thread pins it
LD_others := $(SHARED_LD),--exclude-libs,ALL
MODULE_LD := $(or $(LD_$(SYSTEM)),$(LD_others))
# For C hosts. The number goes up where what was built against stepimg.h no longer fits.
SO        := libstepimg.so.0
OBJCOPY   ?= objcopy

# Of those that there are once for each system.
OTHERS    ?= win32
CORE_SRC  := $(filter-out src/lua/% %_$(OTHERS).c,$(wildcard src/*/*.c))
LUA_OBJ   := $(OUT)/lua_stepimg.o $(patsubst src/lua/%.c,$(OUT)/binding/%.o,$(wildcard src/lua/*.c))
CORE_OBJ  := $(CORE_SRC:src/%.c=$(BUILD)/core/%.o)
CORE_TEST := $(patsubst spec/core/%.c,$(BUILD)/%,$(wildcard spec/core/test_*.c))
PROGRAMS  := $(addprefix $(OUT)/,host host-static states lua_allocations core_failures) $(addprefix $(BUILD)/,allocations secrets fork edits worker environment.so suspend.so)
BENCH     := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
C_FILES   := lua_stepimg.c $(wildcard src/*.h src/*/*.[ch] spec/core/*.[ch] spec/fuzz/*.[ch] spec/host/*.[ch] bench/*.c examples/*.c examples/*/*.c)
OF_BINDING := await budget cache callbacks cancel client each each_save ending errors eventloop examples generate history \
  image interrupts jobs models options process release retry save states stats torture validate waits warnings
FUZZ      := $(patsubst spec/fuzz/%.c,%,$(wildcard spec/fuzz/*.c))
TIDY      := $(filter-out %_$(OTHERS).c spec/host/trust.c,$(filter %.c,$(C_FILES)))

all: $(MODULE)

# One object of all, in an archive: of its names only the public ones can meet others in a program.
define archive
	@mkdir -p $(@D) && rm -f $@
	$(LD) -r -o $(@:.a=.o) $^
	$(OBJCOPY) --localize-hidden $(@:.a=.o)
	$(AR) rcs $@ $(@:.a=.o)
endef

$(MODULE): $(LUA_OBJ) $(BUILD)/libstepimg.a
	$(CC) $(OURS) $(CFLAGS) $(MODULE_LD) $(LDFLAGS) -o $@ $^ $(CURL_LD) -lm

$(BUILD)/libstepimg.a: $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/core/%.o: src/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(OUT)/lua_stepimg.o: lua_stepimg.c $(BUILD)/binding/stepimg.lua.h | $(OUT)/tools
	$(CC) $(OURS) -Isrc -I$(BUILD)/binding $(LUA_CF) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(OUT)/binding/%.o: src/lua/%.c | $(OUT)/tools
	@mkdir -p $(@D)
	$(CC) $(OURS) -Isrc $(LUA_CF) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# The API's text as the elements of a C array.
$(BUILD)/binding/stepimg.lua.h: src/lua/stepimg.lua
	@mkdir -p $(@D)
	od -An -v -tx1 $< | sed 's/[0-9a-f][0-9a-f]/0x&,/g' >$@

# Says in one line what is missing, before a compiler says it in twenty.
$(sort $(BUILD)/tools $(OUT)/tools):
	@$(if $(LUA_PC)$(LUA_INCDIR),,echo "stepimg needs pkg-config and the headers of $(FLAVOUR) (Debian: pkg-config lib$(FLAVOUR:luajit=luajit-5.1)-dev)" >&2; exit 1)
	@$(if $(CURL_LIBDIR),:,$(PKG_CONFIG) --exists 'libcurl >= 7.76') || { echo "stepimg needs libcurl 7.76 or newer (Debian: libcurl4-openssl-dev)" >&2; exit 1; }
	@mkdir -p $(@D) && touch $@

$(BUILD)/bench/%: bench/%.c $(BUILD)/libstepimg.a
	@mkdir -p $(@D)
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libstepimg.a $(CURL_LD) -lm

$(BUILD)/test_%: spec/core/test_%.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libstepimg.a -lcmocka $(CURL_LD) -lm

# What is installed for C hosts, and the module to be linked into a program.
$(BUILD)/lib/libstepimg.a: $(CORE_OBJ)
	$(archive)

$(OUT)/stepimg.a: $(LUA_OBJ) $(CORE_OBJ)
	$(archive)

$(BUILD)/lib/$(SO): $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(OURS) $(CFLAGS) $(SHARED_LD) -Wl,-soname,$(SO) $(LDFLAGS) -o $@ $^ $(CURL_LD) -lm

# The example host, once with the module beside it and once with all in it: the module, Lua, and lua-cjson if it is to
# be had (Debian: lua-cjson-dev).
CJSON_PC   = $(shell $(PKG_CONFIG) --exists lua$(VERSION)-cjson && echo lua$(VERSION)-cjson)
STATIC_LD  = -Wl,-Bstatic $(if $(CJSON_PC),-l$(CJSON_PC)) $(filter-out -lm -ldl,$(shell $(PKG_CONFIG) --libs $(LUA_PC))) -Wl,-Bdynamic -ldl -lm -Wl,-E
$(OUT)/host: examples/host.c | $(OUT)/tools
	$(CC) $(OURS) $(LUA_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LUA_LD) -lm

$(OUT)/host-static: examples/host.c $(OUT)/stepimg.a
	$(CC) $(OURS) $(LUA_CF) -DSTEPIMG_STATIC $(if $(CJSON_PC),-DCJSON_STATIC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(STATIC_LD) $(CURL_LD) -lm

$(BUILD)/allocations: spec/host/allocations.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) \
	  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free $(CURL_LD) -lm

# With a thread that is soon idle, a clock that can leap, and calls of libcurl that can be held up.
$(BUILD)/worker: spec/host/worker.c src/client/worker.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc -DWORKER_IDLE=0.2 $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) \
	  -Wl,--wrap=clock_now,--wrap=curl_multi_cleanup,--wrap=curl_easy_init $(CURL_LD) -lm

# A fuzz target where there is no fuzzer.
$(BUILD)/replay: spec/host/replay.c spec/fuzz/base64.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -DSTEPIMG_DEBUG -Isrc $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $^ $(CURL_LD) -lm

$(BUILD)/secrets $(BUILD)/fork $(BUILD)/edits: $(BUILD)/%: spec/host/%.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(CURL_LD) -lm

$(BUILD)/environment.so $(BUILD)/suspend.so: $(BUILD)/%.so: spec/host/%.c | $(BUILD)/tools
	$(CC) $(OURS) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -shared -o $@ $< -ldl

$(OUT)/core_failures: spec/host/core_failures.c $(LUA_OBJ) $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(LUA_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) \
	  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc $(LUA_LD) $(CURL_LD) -lm

$(OUT)/states $(OUT)/lua_allocations $(OUT)/lua: $(OUT)/%: spec/host/%.c | $(OUT)/tools
	$(CC) $(OURS) -Isrc $(LUA_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LUA_LD)

# The core and the binding once more, by clang and for its fuzzer; the judges are Lua, lua-cjson and libcurl.
FUZZED   := -std=c11 -DSTEPIMG_DEBUG -pthread -O1 -g -MMD -MP -fsanitize=address,undefined -fno-sanitize-recover=undefined -fsanitize=fuzzer
FUZZ_OBJ := $(CORE_SRC:src/%.c=$(BUILD)/fuzz/core/%.o) $(patsubst src/%.c,$(BUILD)/fuzz/%.o,$(wildcard src/lua/*.c)) $(BUILD)/fuzz/lua_stepimg.o
$(BUILD)/fuzz/core/%.o: src/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	clang $(FUZZED)-no-link -Isrc $(CURL_CF) -c -o $@ $<

$(BUILD)/fuzz/%.o: src/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	clang $(FUZZED)-no-link -Isrc $(LUA_CF) -c -o $@ $<

$(BUILD)/fuzz/lua_stepimg.o: lua_stepimg.c $(BUILD)/binding/stepimg.lua.h | $(BUILD)/tools
	clang $(FUZZED)-no-link -Isrc -I$(BUILD)/binding $(LUA_CF) -c -o $@ $<

$(addprefix $(BUILD)/fuzz/,$(FUZZ)): $(BUILD)/fuzz/%: spec/fuzz/%.c $(FUZZ_OBJ)
	clang $(FUZZED) $(WARN) -Isrc $(LUA_CF) $(CURL_CF) -o $@ $(filter %.c %.o,$^) $(LUA_LD) $(CURL_LD) -lm

to = $(call quote,$(DESTDIR)$(1))
PC = prefix=%s\nlibdir=%s\nincludedir=%s\n\nName: stepimg\nDescription: Pictures from the image service of StepFun\nVersion: %s\nRequires.private: libcurl\nLibs: -L"$${libdir}" -lstepimg\nLibs.private: -pthread -lm\nCflags: -I"$${includedir}"\n
install: install-module install-library install-types

# For editors.
install-types:
	install -d $(call to,$(TYPES))
	install -m 644 types/stepimg.lua $(call to,$(TYPES)/stepimg.lua)

install-module: $(MODULE)
	install -d $(call to,$(LUA_CMOD))
	install -m 755 $(MODULE) $(call to,$(LUA_CMOD)/stepimg.so)

install-library: $(BUILD)/lib/libstepimg.a $(BUILD)/lib/$(SO)
	install -d $(call to,$(LIBDIR)/pkgconfig) $(call to,$(INCLUDEDIR))
	install -m 644 src/stepimg.h $(call to,$(INCLUDEDIR)/stepimg.h)
	install -m 644 $(BUILD)/lib/libstepimg.a $(call to,$(LIBDIR)/libstepimg.a)
	install -m 755 $(BUILD)/lib/$(SO) $(call to,$(LIBDIR)/$(SO))
	ln -sf $(SO) $(call to,$(LIBDIR)/libstepimg.so)
	printf '$(PC)' $(call quote,$(PREFIX)) $(call quote,$(LIBDIR)) $(call quote,$(INCLUDEDIR)) "$$(sed -n 's/.*STEPIMG_VERSION "\(.*\)"/\1/p' src/stepimg.h)" >$(call to,$(LIBDIR)/pkgconfig/stepimg.pc)

uninstall:
	rm -f $(call to,$(LUA_CMOD)/stepimg.so) $(call to,$(INCLUDEDIR)/stepimg.h) $(call to,$(LIBDIR)/pkgconfig/stepimg.pc) \
	  $(call to,$(TYPES)/stepimg.lua) $(foreach name,libstepimg.a libstepimg.so $(SO),$(call to,$(LIBDIR)/$(name)))

clean:
	rm -rf $(BUILD) stepimg.so demo.png

help:
	@sed -n -e 's/\[\([^]]*\)\]([^)]*)/\1/g' -e 's/^| `\(make [^`]*\)` | \(.*\) |$$/\1: \2/p' CONTRIBUTING.md

docs: docs/reference.md
docs/reference.md: types/stepimg.lua docs/reference.lua
	@$(LUA) docs/reference.lua >build/reference.md && mv build/reference.md $@

# The committed sources as an archive, and as a rock with that archive inside it. VERSION is Lua's here.
dist:
	@sh spec/dist.sh build/dist

release:
	@sh spec/release.sh $(call quote,$(RELEASE))

$(TARGETS):
	@sh spec/setup.sh $@
	@$(MAKE) --no-print-directory run-$@

sanitize: export SANITIZE ?= address
debug: export override SANITIZE := debug
debug: export override CFLAGS := -O0 -g3

run-demo: override export PROMPT := $(value PROMPT)
run-demo: stepimg.so
	@$(LUA) spec/demo.lua

# All of both, whatever fails: one run tells all there is to mend.
run-test:
	@$(MAKE) --no-print-directory --keep-going run-core run-spec

run-core: $(CORE_TEST)
	@good=true; for test in $^; do ./$$test || good=false; done; $$good

# Another Lua is asked what the binding promises, spec by spec; servers keep their 5.4.
run-spec: $(MODULE) $(PROGRAMS)
ifeq ($(FLAVOUR),lua5.4)
	@$(LUA) "$$(command -v busted)" $(SPECS)
else
	@good=true; for spec in $(or $(SPECS),$(OF_BINDING:%=spec/%_spec.lua)); do echo "$(FLAVOUR): $$spec"; \
	  LUA=lua5.4 STEPIMG_BUILT="$$PWD/$(OUT)" $(LUA) "$$(command -v busted)" --helper=spec/support/older.lua \
	  --cpath="$$PWD/$(OUT)/?.so" "$$spec" || good=false; done; $$good
endif

# The others two at a time: they wait more than they work. Each shows what it said when it is done.
run-test-all:
	@good=true; $(MAKE) --no-print-directory run-test || good=false; \
	  printf '%s\n' $(filter-out lua5.4,$(LUAS)) | xargs -P 2 -I '{}' sh -c '$(MAKE) --no-print-directory run-spec LUA={} \
	  >$(BUILD)/test-{}.log 2>&1; good=$$?; cat $(BUILD)/test-{}.log; exit $$good' || good=false; $$good

# SPECS="spec/jobs_spec.lua …": only these. debug: with CHECK (src/base/check.h), for a debugger.
run-debug run-sanitize: $(MODULE) $(PROGRAMS) $(BUILD)/lua $(CORE_TEST)
	@LUA=$(call quote,$(LUA)) sh spec/sanitize.sh $(SANITIZE) $(SPECS)

run-check: stepimg.so $(BUILD)/binding/stepimg.lua.h $(BUILD)/lib/$(SO)
	luacheck --quiet .
	$(CLANG_FORMAT) --dry-run --Werror $(C_FILES)
	@echo "$(CLANG_TIDY): $(words $(TIDY)) files"
	@printf '%s\n' $(TIDY) | xargs -P "$$(nproc)" -I '{}' $(CLANG_TIDY) --quiet '{}' -- -std=c11 -Isrc -I$(BUILD)/binding $(CURL_CF) $(LUA_CF) 2>/dev/null
	sh spec/layers.sh
	sh spec/header.sh
	for rockspec in rockspec/*.rockspec; do luarocks lint "$$rockspec" || exit 1; done
	LUA=$(call quote,$(LUA)) sh spec/rock.sh

run-bench: stepimg.so $(BENCH)
	@$(LUA) bench/main.lua

# With these two, glibc gives back what was freed; else it keeps tens of megabytes more or less, as it happens.
run-soak: stepimg.so
	@LUA_PATH='./?.lua;./?/init.lua;;' LUA_CPATH='./?.so;;' MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 $(LUA) spec/soak.lua

# All tests (or SPECS) once more, with gcov's counters, in a folder of links to this one: what they start is found there.
COVERAGE := $(BUILD)/coverage
run-coverage:
	@rm -rf $(COVERAGE) && mkdir -p $(COVERAGE)
	@for name in .busted $(filter-out build stepimg.so,$(wildcard *)); do ln -s "../../$$name" $(COVERAGE) || exit 1; done
	@$(MAKE) --no-print-directory -C $(COVERAGE) run-test HARDEN= CFLAGS='-O0 -g --coverage -fprofile-update=prefer-atomic'
	@cd $(COVERAGE) && $(LUA) spec/coverage.lua

# In Neovim, LÖVE, darktable, Luanti, mpv and nginx: HOSTS="neovim love …" for some, ROUNDS (50) ends of each.
run-test-hosts: stepimg.so
	@$(MAKE) --no-print-directory LUA=luajit
	@! ldd "$$(command -v mpv)" 2>/dev/null | grep -q liblua5.2 || $(MAKE) --no-print-directory LUA=lua5.2
	@HOSTS=$(call quote,$(HOSTS)) ROUNDS=$(call quote,$(ROUNDS)) LUA_PATH='./?.lua;./?/init.lua;;' $(LUA) spec/hosts/main.lua

# Each of these in debootstrap's minimal roots, as a newcomer meets them.
run-test-fresh:
	@bash spec/fresh.sh $(SUITES)

# With a libcurl on GnuTLS: the specs that meet it. Its headers are those of any other.
WITH_GNUTLS := hostile_tls transport errors kept_connections generate edit retry
run-test-gnutls:
	@$(MAKE) --no-print-directory BUILD=build/gnutls CURL_LD=-l:libcurl-gnutls.so.4
	@STEPIMG_BUILT="$$PWD/build/gnutls" $(LUA) "$$(command -v busted)" --helper=spec/support/gnutls.lua \
	  --cpath="$$PWD/build/gnutls/?.so" $(or $(SPECS),$(WITH_GNUTLS:%=spec/%_spec.lua))

# On other processors, by qemu. ARCHS="arm64 armhf i386 s390x"
run-test-arch: stepimg.so
	@sh spec/arch.sh $(ARCHS)

# stepimg.dll for Lua 5.4 and for LuaJIT, cross-built, and under wine. LUA_DLL=lua54.dll, LUAJIT_DLL=lua51.dll
run-windows:
	@sh spec/windows.sh build

run-test-windows: stepimg.so
	@sh spec/windows.sh test

run-macos:
	@sh spec/macos.sh

run-mutants:
	@$(LUA) spec/mutants.lua

run-fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZ))
	@printf '%s\n' $(FUZZ) | xargs -P "$$(nproc)" -I '{}' sh spec/fuzz/run.sh '{}'

.PHONY: all help docs dist release install install-module install-library install-types uninstall clean run-core run-spec $(TARGETS) $(addprefix run-,$(TARGETS))
-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)
