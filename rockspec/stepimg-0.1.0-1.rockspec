rockspec_format = "3.0"
package = "stepimg"
version = "0.1.0-1"
source = {
  url = "file://stepimg-0.1.0.tar.gz", -- `make dist` makes it, and the rock with it inside
}
description = {
  summary = "Pictures from StepFun's image generation service; a frame never waits for one",
  detailed = [[
    An extension module in C for StepFun's image generation service. The request, TLS and the decoding of the picture run
    on a thread of their own; parameters are checked before anything is sent.
  ]],
  license = "MIT",
  labels = {"image", "http", "api"},
}
supported_platforms = {"linux", "mingw32"}
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson",
}
external_dependencies = {
  CURL = {library = "curl"},
  platforms = {
    mingw32 = {CURL = {header = "curl/curl.h"}},
  },
}
-- The Makefile's own linker flags matter (-z nodelete, hidden symbols); the builtin type cannot pass them.
build = {
  type = "make",
  build_target = "all",
  build_variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA = "$(LUA)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CURL_INCDIR = "$(CURL_INCDIR)",
    CURL_LIBDIR = "$(CURL_LIBDIR)",
  },
  install_target = "install-module",
  install_variables = {
    LUA = "$(LUA)",
    LUA_CMOD = "$(LIBDIR)",
  },
  platforms = {
    -- Windows, with gcc of MinGW-w64. Its make needs no shell for this one.
    mingw32 = {
      makefile = "rockspec/windows.mk",
      build_target = "build/stepimg.dll",
      build_variables = {
        LUA_LIBDIR = "$(LUA_LIBDIR)",
        LUALIB = "$(LUALIB)",
      },
      install_pass = false,
      install = {
        lib = {"build/stepimg.dll"},
      },
    },
  },
}
