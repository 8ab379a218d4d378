#!/bin/sh
# sh docs/pictures.sh: makes the pages' pictures anew, against the stand-in: what make demo saves, and LÖVE with the example
# game, under Xvfb (ImageMagick takes the picture of its screen).
set -eu
cd "$(dirname "$0")/.."
make LUA=luajit >/dev/null
scratch=$(mktemp -d)
trap 'kill $pids 2>/dev/null; rm -rf "$scratch"' EXIT
pids=
env -u STEP_API_KEY PROMPT="a lighthouse on a cliff at dusk, oil painting" lua5.4 spec/demo.lua
mv demo.png docs/pictures/demo.png
mkfifo "$scratch/ready"
lua5.4 spec/standin/main.lua --quiet >"$scratch/ready" &
pids="$pids $!"
read -r line <"$scratch/ready"
base_url=$(printf '%s' "$line" | sed 's/.*"base_url":"\([^"]*\)".*/\1/; s,\\/,/,g')
Xvfb -displayfd 3 -screen 0 1088x614x24 -nolisten tcp 3>"$scratch/display" 2>/dev/null &
pids="$pids $!"
while [ ! -s "$scratch/display" ]; do sleep 0.1; done
DISPLAY=:$(cat "$scratch/display")
export DISPLAY
HOME=$scratch XDG_DATA_HOME=$scratch STEP_API_KEY=anything STEP_BASE_URL=$base_url LUA_CPATH="$PWD/build/luajit/?.so;;" \
  SDL_AUDIODRIVER=dummy love examples/love &
pids="$pids $!"
sleep 6
import -window root "$scratch/love.png"
convert "$scratch/love.png" -resize 720x -colors 128 -strip docs/pictures/love.png
