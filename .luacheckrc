std = "lua54"
max_line_length = 120
exclude_files = {"build/", "node_modules/", ".luarocks/"}
files["spec/hosts/"].max_line_length = 150 -- command lines
files["types/"] = {ignore = {"212", "241", "631"}} -- declarations, and one line a sentence
files["src/lua/stepimg.lua"].std = "max"
files["spec/**/*_spec.lua"].std = "lua54+busted"
-- On every Lua.
files["spec/torture/"].std = "max"
files["spec/support/gnutls.lua"].globals = {"OTHERWISE", "loadfile"}
files["spec/support/older.lua"] = {std = "max", globals = {"FLOOR", "CLOSING", "SKIPPING", "loadfile", "pending"}}
-- In hosts.
for folder, name in pairs {neovim = "vim", love = "love", luanti = "minetest", mpv = "mp", nginx = "ngx"} do
  files["examples/" .. folder] = {std = "max", globals = {name, "picture"}}
  files["spec/hosts/inside/" .. folder .. ".lua"] = {std = "max", globals = {name, "picture"}}
end
files["spec/hosts/inside/love"] = {std = "max", globals = {"love"}}
files["spec/hosts/inside/running.lua"].std = "max"
