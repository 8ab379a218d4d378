std = "lua54"
max_line_length = 120
exclude_files = {"build/", "node_modules/", ".luarocks/"}
files["types/"] = {ignore = {"212", "241", "631"}} -- declarations, and one line a sentence
files["src/lua/stepimg.lua"].std = "max"
files["spec/**/*_spec.lua"].std = "lua54+busted"
-- On every Lua.
files["spec/torture/"].std = "max"
files["spec/support/older.lua"] = {std = "max", globals = {"FLOOR", "CLOSING", "SKIPPING", "loadfile", "pending"}}
