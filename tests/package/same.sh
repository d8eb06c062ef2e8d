#!/bin/sh
# same.sh [BUILD]: built twice, the packages are the same to the last byte.
set -eu
. "$(dirname "$0")/lib.sh"

"$here/build.sh" "$@"
first=$work/deb-first
rm -rf "$first"
mv "$work/deb" "$first"
"$here/build.sh" "$@"
for f in "$first"/*.deb; do
	cmp "$f" "$work/deb/$(basename "$f")"
done
