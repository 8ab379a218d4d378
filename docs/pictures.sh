#!/bin/sh
# sh docs/pictures.sh [demo love neovim]: makes the pages' pictures anew, against the stand-in: what make demo saves, and
# the examples in LÖVE and in Neovim, under Xvfb. ImageMagick takes the picture of the screen; kitty is Neovim's terminal.
set -eu
cd "$(dirname "$0")/.."
[ "$#" -gt 0 ] || set -- demo love neovim
make >/dev/null
make LUA=luajit >/dev/null
scratch=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$scratch"' EXIT

# screen NAME SECONDS COMMAND…: what is on the screen when the program has run that long.
screen() {
  name=$1 seconds=$2
  shift 2
  rm -f "$scratch/display"
  Xvfb -displayfd 3 -screen 0 1088x614x24 -nolisten tcp 3>"$scratch/display" 2>/dev/null &
  pids="$pids $!"
  while [ ! -s "$scratch/display" ]; do sleep 0.1; done
  DISPLAY=:$(cat "$scratch/display")
  export DISPLAY
  SDL_AUDIODRIVER=dummy LIBGL_ALWAYS_SOFTWARE=1 "$@" &
  program=$!
  sleep "$seconds"
  import -window root "$scratch/$name.png"
  kill "$program"
  wait "$program" || true
  convert "$scratch/$name.png" -resize 720x -colors 128 -strip "docs/pictures/$name.png"
}

picture_demo() {
  env -u STEP_API_KEY -u STEP_BASE_URL PROMPT="a lighthouse on a cliff at dusk, oil painting" lua5.4 spec/demo.lua
  mv demo.png docs/pictures/demo.png
}

picture_love() { screen love 6 love examples/love; }

picture_neovim() {
  mkdir -p "$scratch/nvim/site/pack/pictures/start"
  cp -r examples/neovim "$scratch/nvim/site/pack/pictures/start/picture"
  cat >"$scratch/lighthouse.lua" <<'END'
-- The cliff, where the second chapter begins.
local room = require "room"

local cliff = room.new {
  name = "The lighthouse",
  words = "a lighthouse on a cliff at dusk",
  exits = {down = "harbour", east = "moor"},
}

-- The lamp is dark until somebody brings oil.
function cliff:enter(player)
  if player:has "oil" then
    self.lamp = true
    player:say "The lamp throws its first beam."
  else
    player:say "The tower is dark. There is"
    player:say "a knocking, from the inside."
  end
end

return cliff
END
  screen neovim 8 kitty --config NONE -o font_size=13 -o remember_window_size=no -o initial_window_width=1088 \
    -o initial_window_height=614 -o hide_window_decorations=yes -o shell_integration=disabled -o update_check_interval=0 \
    nvim -i NONE -n -c "set termguicolors number noruler | colorscheme slate | lcd %:h" \
    -c "Picture a lighthouse on a cliff at dusk" "$scratch/lighthouse.lua"
}

mkfifo "$scratch/ready"
lua5.4 spec/standin/main.lua --quiet >"$scratch/ready" &
pids="$pids $!"
read -r line <"$scratch/ready"
STEP_BASE_URL=$(printf '%s' "$line" | sed 's/.*"base_url":"\([^"]*\)".*/\1/; s,\\/,/,g')
HOME=$scratch XDG_DATA_HOME=$scratch XDG_CACHE_HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_RUNTIME_DIR=$scratch
LUA_CPATH="$PWD/build/luajit/?.so;;"
export STEP_API_KEY=anything STEP_BASE_URL HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR LUA_CPATH
for picture; do
  "picture_$picture"
done
