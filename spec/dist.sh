#!/bin/sh
# sh spec/dist.sh FOLDER: makes stepimg-VERSION.tar.gz of what is committed (in a tree without git: of what is there), and
# stepimg-VERSION-1.src.rock, which LuaRocks installs without a network.
set -eu
folder=$1
cd "$(dirname "$0")/.."
version=$(sed -n 's/.*STEPIMG_VERSION "\(.*\)"/\1/p' src/stepimg.h)
name=stepimg-$version
mkdir -p "$folder"
rm -f "$folder/$name.tar.gz" "$folder/$name-1.src.rock"
if git rev-parse --git-dir >/dev/null 2>&1; then
  git archive --prefix="$name/" -o "$folder/$name.tar.gz" HEAD
else
  tar --exclude=./build --exclude='./stepimg.so' --transform="s,^\.,$name," -czf "$folder/$name.tar.gz" .
fi
zip -q -j "$folder/$name-1.src.rock" "rockspec/$name-1.rockspec" "$folder/$name.tar.gz"
ls "$folder/$name.tar.gz" "$folder/$name-1.src.rock"
