# stepimg: build, demo, test, check, bench, install. `make demo` and `make test` install what they miss on a Debian system.

PREFIX     ?= /usr/local
LUA        ?= $(shell command -v lua5.4 || command -v lua)
PKG_CONFIG ?= pkg-config
LUA_PC     := $(shell for p in lua5.4 lua-5.4 lua54 lua; do $(PKG_CONFIG) --exists "$$p >= 5.4 $$p < 5.5" 2>/dev/null && echo $$p && break; done)
LUA_CMOD   ?= $(PREFIX)/lib/lua/5.4
PROMPT     ?= a lighthouse on a cliff at dusk, oil painting

BUILD   := build
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes $(if $(CI),-Werror)
HARDEN  := -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS  ?= -O2 -g
OURS    := -std=c11 -fPIC -fvisibility=hidden -pthread $(WARN) $(if $(SANITIZE),-fsanitize=$(SANITIZE),$(HARDEN)) -MMD -MP
# LuaRocks passes these folders; else pkg-config knows.
LUA_CF   = $(if $(LUA_INCDIR),-I'$(LUA_INCDIR)',$(shell $(PKG_CONFIG) --cflags $(LUA_PC)))
CURL_CF  = $(if $(CURL_INCDIR),-I'$(CURL_INCDIR)',$(shell $(PKG_CONFIG) --cflags libcurl))
LUA_LD   = $(shell $(PKG_CONFIG) --libs $(LUA_PC)) -Wl,-E # of hosts: C modules find Lua in them
CURL_LD  = $(if $(CURL_LIBDIR),-L'$(CURL_LIBDIR)' -lcurl,$(shell $(PKG_CONFIG) --libs libcurl))
# lua_close unloads modules; the I/O thread's code is not to vanish under it (-z nodelete).
MODULE_LD := -shared -Wl,-z,relro,-z,now,-z,nodelete

CORE_OBJ  := $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/*.c))
CORE_TEST := $(patsubst spec/core/%.c,$(BUILD)/%,$(wildcard spec/core/test_*.c))
BENCH     := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
C_FILES   := lua_stepimg.c $(wildcard src/*.[ch] spec/core/*.[ch] spec/fuzz/*.[ch] spec/host/*.c bench/*.c examples/*.c)
FUZZ      := $(patsubst spec/fuzz/%.c,%,$(wildcard spec/fuzz/*.c))
TIDY      := $(filter %.c,$(C_FILES))

all: stepimg.so

stepimg.so: $(BUILD)/lua_stepimg.o $(BUILD)/libstepimg.a
	$(CC) $(OURS) $(CFLAGS) $(MODULE_LD) $(LDFLAGS) -o $@ $^ $(CURL_LD) -lm

$(BUILD)/libstepimg.a: $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: src/%.c | $(BUILD)/tools
	$(CC) $(OURS) $(CURL_CF) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(BUILD)/lua_stepimg.o: lua_stepimg.c | $(BUILD)/tools
	$(CC) $(OURS) $(LUA_CF) $(CFLAGS) $(CPPFLAGS) -c -o $@ $<

# Says in one line what is missing, before a compiler says it in twenty.
$(BUILD)/tools:
	@$(if $(LUA_PC)$(LUA_INCDIR),,echo "stepimg needs pkg-config and Lua 5.4's headers (Debian: pkg-config liblua5.4-dev)" >&2; exit 1)
	@$(if $(CURL_LIBDIR),:,$(PKG_CONFIG) --exists 'libcurl >= 7.76') || { echo "stepimg needs libcurl 7.76 or newer (Debian: libcurl4-openssl-dev)" >&2; exit 1; }
	@mkdir -p $(BUILD) && touch $@

$(BUILD)/bench/%: bench/%.c $(BUILD)/libstepimg.a
	@mkdir -p $(@D)
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libstepimg.a $(CURL_LD) -lm

$(BUILD)/test_%: spec/core/test_%.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libstepimg.a -lcmocka $(CURL_LD) -lm

# The example host, once with the module beside it and once with the module in it.
$(BUILD)/host: examples/host.c | $(BUILD)/tools
	$(CC) $(OURS) $(LUA_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LUA_LD) -lm

$(BUILD)/host-static: examples/host.c $(BUILD)/lua_stepimg.o $(BUILD)/libstepimg.a
	$(CC) $(OURS) $(LUA_CF) -DSTEPIMG_STATIC $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $^ $(LUA_LD) $(CURL_LD) -lm

$(BUILD)/allocations: spec/host/allocations.c $(BUILD)/libstepimg.a
	$(CC) $(OURS) -Isrc $(CURL_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $^ \
	  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free $(CURL_LD) -lm

$(BUILD)/states $(BUILD)/lua_allocations: $(BUILD)/%: spec/host/%.c | $(BUILD)/tools
	$(CC) $(OURS) $(LUA_CF) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LUA_LD)

# The core once more, by clang and for its fuzzer; the splitter's judge is Lua with lua-cjson.
FUZZED := -std=c11 -pthread -O1 -g -MMD -MP -fsanitize=address,undefined -fno-sanitize-recover=undefined -fsanitize=fuzzer
$(BUILD)/fuzz/core/%.o: src/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	clang $(FUZZED)-no-link $(CURL_CF) -c -o $@ $<

$(BUILD)/fuzz/%: spec/fuzz/%.c $(patsubst src/%.c,$(BUILD)/fuzz/core/%.o,$(wildcard src/*.c))
	clang $(FUZZED) $(WARN) -Isrc $(LUA_CF) -o $@ $(filter %.c %.o,$^) $(LUA_LD) $(CURL_LD) -lm

install: stepimg.so
	install -d '$(DESTDIR)$(LUA_CMOD)'
	install -m 755 stepimg.so '$(DESTDIR)$(LUA_CMOD)/stepimg.so'

uninstall:
	rm -f '$(DESTDIR)$(LUA_CMOD)/stepimg.so'

clean:
	rm -rf $(BUILD) stepimg.so demo.png

# Each of these first sets up what it needs, then starts make anew: what pkg-config says may have changed.
demo test check bench fuzz:
	@sh spec/setup.sh $@
	@$(MAKE) --no-print-directory run-$@

run-demo: override export PROMPT := $(value PROMPT)
run-demo: stepimg.so
	@$(LUA) spec/demo.lua

run-test: run-core run-spec

run-core: $(CORE_TEST)
	@for t in $^; do ./$$t || exit 1; done

run-spec: stepimg.so $(BUILD)/host $(BUILD)/host-static $(BUILD)/states $(BUILD)/allocations $(BUILD)/lua_allocations
	@$(LUA) $(shell command -v busted)

run-check: stepimg.so
	luacheck --quiet .
	clang-format --dry-run --Werror $(C_FILES)
	@echo "clang-tidy: $(words $(TIDY)) files"
	@printf '%s\n' $(TIDY) | xargs -P "$$(nproc)" -I '{}' clang-tidy --quiet '{}' -- -std=c11 -Isrc $(CURL_CF) $(LUA_CF) 2>/dev/null
	sh spec/layers.sh
	luarocks lint rockspec/stepimg-scm-1.rockspec
	LUA='$(LUA)' sh spec/rock.sh

run-bench: stepimg.so $(BENCH)
	@$(LUA) bench/main.lua

run-fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZ))
	@for target in $(FUZZ); do sh spec/fuzz/run.sh $$target || exit 1; done

.PHONY: all install uninstall clean demo test check bench fuzz run-demo run-test run-core run-spec run-check run-bench run-fuzz
-include $(wildcard $(BUILD)/*.d $(BUILD)/bench/*.d $(BUILD)/fuzz/*.d $(BUILD)/fuzz/core/*.d)
