/* What the primitives use of Lua 5.4's C API, for LuaJIT, Lua 5.1, 5.2, 5.3 and 5.5. In place of lua.h and lauxlib.h. */
#ifndef STEPIMG_LUA_COMPAT_H
#define STEPIMG_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __GNUC__
#define COMPAT __attribute__((unused)) static
#else
#define COMPAT static
#endif

#ifdef LUA_JITLIBNAME
#include <luajit.h>
/* Compiled code fires no hooks: what the chunk on the top has of functions is to be interpreted. */
#define compat_interpret(L) luaJIT_setmode(L, -1, LUAJIT_MODE_ALLFUNC | LUAJIT_MODE_OFF)
#else
#define compat_interpret(L) ((void)(L))
#endif

/* A function for who needs no more than a call. */
COMPAT int compat_nothing(lua_State *L)
{
  (void)L;
  return 0;
}

/* ---- 5.5: a step is counted in bytes, a coroutine is closed with who closes it, a state has a seed */
#if LUA_VERSION_NUM >= 505
#define compat_step(L, kib) lua_gc(L, LUA_GCSTEP, 1024 * (size_t)(kib))
#define compat_close_coroutine(co, from) lua_closethread(co, from)
#define compat_newstate(allocate, context) lua_newstate(allocate, context, 0)
#else
#define compat_step(L, kib) lua_gc(L, LUA_GCSTEP, (int)(kib))
#define compat_close_coroutine(co, from) ((void)(from), lua_resetthread(co))
#define compat_newstate(allocate, context) lua_newstate(allocate, context)
#endif

/* ---- 5.4: user values by number; before, one table holds them, and that of a userdata without any is its own business */
#if LUA_VERSION_NUM < 504

#if LUA_VERSION_NUM < 502
#define compat_set_values lua_setfenv
#define compat_get_values lua_getfenv
#define lua_rawlen lua_objlen
#define LUA_OK 0
COMPAT int lua_absindex(lua_State *L, int index)
{
  return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}
#else
#define compat_set_values lua_setuservalue
#define compat_get_values lua_getuservalue
#endif

COMPAT void *lua_newuserdatauv(lua_State *L, size_t size, int values)
{
  if (values == 0)
    return lua_newuserdata(L, size);
  lua_createtable(L, values, 0);
  for (int i = 1; i <= values; i++) { /* slots of the table's array: setting one later allocates nothing */
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, i);
  }
  void *block = lua_newuserdata(L, size);
  lua_insert(L, -2);
  compat_set_values(L, -2);
  return block;
}

/* What was not set yet is false in place of nil: a nil at its end would let the array shrink. */
COMPAT int lua_getiuservalue(lua_State *L, int index, int value)
{
  compat_get_values(L, index);
  lua_rawgeti(L, -1, value);
  lua_remove(L, -2);
  if (lua_isboolean(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  return lua_type(L, -1);
}

COMPAT int lua_setiuservalue(lua_State *L, int index, int value)
{
  index = lua_absindex(L, index);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 0);
  }
  compat_get_values(L, index);
  lua_insert(L, -2);
  lua_rawseti(L, -2, value);
  lua_pop(L, 1);
  return 1;
}

/* A coroutine has nothing to close on the way out: its error stays on its stack. */
#define lua_resetthread(L) ((void)(L))
#define compat_gc(L, what, data, ...) (lua_gc)(L, what, data)
#define lua_gc(L, ...) compat_gc(L, __VA_ARGS__, 0, 0)

#if LUA_VERSION_NUM < 503

COMPAT int compat_rawgetp(lua_State *L, int index, const void *key)
{
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)key);
  lua_rawget(L, index);
  return lua_type(L, -1);
}
COMPAT void compat_rawsetp(lua_State *L, int index, const void *key)
{
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)key);
  lua_insert(L, -2);
  lua_rawset(L, index);
}
#undef lua_rawgetp
#undef lua_rawsetp
#define lua_rawgetp compat_rawgetp
#define lua_rawsetp compat_rawsetp

/* Integers are numbers without a fraction. lua_Integer may have no more than 32 bits. */
#define compat_pushint64(L, integer) lua_pushnumber(L, (lua_Number)(integer))
#define compat_toint64(L, index) ((int64_t)lua_tonumber(L, index))
COMPAT int lua_isinteger(lua_State *L, int index)
{
  if (lua_type(L, index) != LUA_TNUMBER)
    return 0;
  lua_Number number = lua_tonumber(L, index);
  return number == floor(number) && fabs(number) <= 9007199254740992.0;
}
#endif

#if LUA_VERSION_NUM < 502
#define luaL_checkversion(L) ((void)(L))
/* LuaJIT, which may load what was built for 5.1, takes a coroutine that raised for the running one until a function is
   called. Where the error is raised on, compiled code goes on behind a pcall, and crashes when that coroutine has been
   collected. So one is called; it is on the stack before, since making it may raise. */
#define compat_leave(L) lua_pushcfunction(L, compat_nothing)
#define compat_come_back(L) lua_call(L, 0, 0)

/* Else one that resumes another, and so on, has no bound but the C stack: lua_setlevel is not there in LuaJIT. */
COMPAT int compat_bounded_resume(lua_State *co, lua_State *from)
{
  enum { MOST = 200 }; /* as the others have it */
  lua_getfield(from, LUA_REGISTRYINDEX, "stepimg.depth");
  int *depth = lua_touserdata(from, -1), status;
  lua_pop(from, 1); /* the registry keeps it */
  if (*depth >= MOST) {
    lua_pushliteral(co, "C stack overflow");
    return LUA_ERRRUN;
  }
  ++*depth;
  status = lua_resume(co, 0);
  --*depth;
  return status;
}
#define compat_resume(co, from, count) ((void)(count), compat_bounded_resume(co, from))
COMPAT void compat_count_depth(lua_State *L)
{
  int *depth = lua_newuserdata(L, sizeof *depth);
  *depth = 0;
  lua_setfield(L, LUA_REGISTRYINDEX, "stepimg.depth");
}
#else
#define compat_resume(co, from, count) ((void)(count), lua_resume(co, from, 0))
#endif
#define compat_left(co, count) lua_gettop(co)

#else /* 5.4 and newer */
#define compat_resume(co, from, count) lua_resume(co, from, 0, count)
#define compat_left(co, count) (count)
#endif
#if LUA_VERSION_NUM >= 502
#define compat_leave(L) ((void)(L))
#define compat_come_back(L) ((void)(L))
#define compat_count_depth(L) ((void)(L))
#endif

#if LUA_VERSION_NUM >= 503
#define compat_pushint64(L, integer) lua_pushinteger(L, (lua_Integer)(integer))
#define compat_toint64(L, index) ((int64_t)lua_tointeger(L, index))
#endif

#endif
