#!/bin/sh
# piuparts.sh: install, remove, purge in a clean root, and what piuparts thinks of it.
set -eu
. "$(dirname "$0")/lib.sh"
release=$(own_release)

need piuparts
deb=$(built 'clinferd_*_*.deb')
base "$release"
tar -C "$base" -czf "$work/base.tar.gz" .
archive=$(sources "$release" | awk -v r="$release" '$3 == r { print $2; exit }')
say "piuparts"
# What is ignored is of packages that ours depends on.
piuparts --basetgz="$work/base.tar.gz" --tmpdir="$work" --no-eatmydata \
    --distribution="$release" --mirror="$archive main" \
    --ignore-regex='/(root/\.ssh|var/(cache|lib|log)/private|var/lib/systemd/.*)' \
    "$deb" > "$work/piuparts.log" 2>&1 || {
	tail -n 40 "$work/piuparts.log" >&2
	die "piuparts: it failed"
}
tail -n 1 "$work/piuparts.log"
