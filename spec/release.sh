#!/bin/sh
# sh spec/release.sh x.y.z: gives the sources that version. Commits nothing.
set -eu
version=${1:-}
cd "$(dirname "$0")/.."
echo "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$' || {
  echo "make release RELEASE=x.y.z: a version is wanted" >&2
  exit 2
}
sed -i "s/\(STEPIMG_VERSION \)\".*\"/\1\"$version\"/" src/stepimg.h
sed -e "s/^version = .*/version = \"$version-1\"/" \
  -e "s#^  url = .*#  url = \"file://stepimg-$version.tar.gz\", -- \`make dist\` makes it, and the rock with it inside#" \
  rockspec/stepimg-scm-1.rockspec >"rockspec/stepimg-$version-1.rockspec"
sed -i "s/^## \[Unreleased\]$/&\n\n## [$version] - $(date +%Y-%m-%d)/" CHANGELOG.md
git --no-pager diff --stat 2>/dev/null || true
