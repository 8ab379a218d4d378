# stepimg.dll with gcc of MinGW-w64, in build/, as LuaRocks calls it on Windows. Here nothing is a command of a shell.

SOURCES := lua_stepimg.c $(filter-out %_posix.c,$(wildcard src/*/*.c))
WANTED  := -std=c11 -D_WIN32_WINNT=0x0601 -D__USE_MINGW_ANSI_STDIO=1
LUA     ?= lua

build/stepimg.dll: $(SOURCES) $(wildcard src/*.h src/*/*.h) build/stepimg.lua.h rockspec/stepimg.def
	$(CC) $(CFLAGS) $(WANTED) -shared -static-libgcc -Isrc -Ibuild "-I$(LUA_INCDIR)" "-I$(CURL_INCDIR)" -o $@ \
	  rockspec/stepimg.def $(SOURCES) "$(LUA_LIBDIR)/$(LUALIB)" "-L$(CURL_LIBDIR)" -lcurl -lws2_32

build/stepimg.lua.h: src/lua/stepimg.lua rockspec/windows.lua
	"$(LUA)" rockspec/windows.lua
