#!/bin/sh
# auto.sh: debian/tests, as autopkgtest runs them, in a clean root.
set -eu
. "$(dirname "$0")/lib.sh"

need autopkgtest
deb=$(built 'clinferd_*_*.deb')
dsc=$(built 'clinferd_*.dsc')
base "$(own_release)"
copy_of "$base" root-auto
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 0\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
inside "$root" apt-get -q update > "$work/install.log" 2>&1 ||
    die "apt knows no packages"
say "autopkgtest"
# Its chroot backend mounts nothing; start-stop-daemon looks into /proc, and PoCL
# into /sys for the cores.
# shellcheck disable=SC2016	# the inner shell's
timeout -s KILL 600 unshare --mount --pid --fork --kill-child -- sh -euc '
mount --make-rprivate /
mount -t proc proc /proc
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
exec autopkgtest --no-built-binaries "$2" "$3" -- chroot "$1"' \
    sh "$root" "$deb" "$dsc" > "$work/autopkgtest.log" 2>&1 || {
	tail -n 60 "$work/autopkgtest.log" >&2
	die "autopkgtest: it failed"
}
grep -E '(PASS|FAIL|SKIP)' "$work/autopkgtest.log" | tail -n 4
