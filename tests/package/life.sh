#!/bin/sh
# life.sh [RELEASE]: the package's life under its init script, in a clean root.
set -eu
. "$(dirname "$0")/lib.sh"
release=${1:-$(own_release)}

deb=$(built 'clinferd_*.deb')
base "$release"
copy_of "$base" root-life
say "what the package and its test need"
cp "$deb" "$root/root/clinferd.deb"
# Its dependencies, but not itself: its installation is part of the test.
needs=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' |
    sed 's/|.*//; s/(.*//' | tr '\n' ' ')
install_in "$root" $needs pocl-opencl-icd curl python3 wrk procps \
    iproute2 busybox-syslogd

say "a newer version"
rm -rf "$work/newer"
dpkg-deb -R "$deb" "$work/newer"
sed -i 's/^\(Version: .*\)/\1+newer/' "$work/newer/DEBIAN/control"
# Other bytes, so that nobody takes one version's program for the other's.
for program in sbin/clinferd libexec/clinferd/clinferd-worker; do
	printf 'newer' >> "$work/newer/usr/$program"
done
dpkg-deb --root-owner-group -b "$work/newer" "$root/root/newer.deb" > /dev/null

cp "$here/inside.sh" "$here/life-inside.sh" "$here/clients.py" "$here/wrk.lua" \
    "$root/root/"
say "install, start, ask, break, kill, upgrade, remove, purge"
alone "$root" sh /root/life-inside.sh
