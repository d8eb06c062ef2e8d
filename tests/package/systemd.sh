#!/bin/sh
# systemd.sh [RELEASE]: the unit, under a real systemd that is PID 1 of namespaces of
# its own.
set -eu
. "$(dirname "$0")/lib.sh"
release=${1:-$(own_release)}

deb=$(built 'clinferd_*.deb')
base "$release"
copy_of "$base" root-systemd
say "systemd and what the package needs"
install_in "$root" systemd pocl-opencl-icd curl procps
cp "$deb" "$root/root/clinferd.deb"
# What systemd is there cannot start anything yet.
inside "$root" sh -c 'apt-get -q -y install /root/clinferd.deb' \
    > "$work/install.log" 2>&1 || die "cannot install the package"

cp "$here/inside.sh" "$here/systemd-inside.sh" "$root/root/"
cat > "$root/etc/systemd/system/test.service" <<'UNIT'
[Unit]
Description=what systemd-inside.sh says
After=basic.target
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
ExecStart=/bin/sh /root/systemd-inside.sh
StandardOutput=file:/root/said
StandardError=file:/root/said
TimeoutStartSec=300
UNIT
cat > "$root/etc/systemd/system/test.target" <<'UNIT'
[Unit]
Description=a boot for one test
Requires=basic.target test.service
AllowIsolate=yes
UNIT

say "boot, start, ask, reload, kill, stop"
timeout -s KILL 400 unshare --mount --pid --ipc --uts --net --cgroup --fork \
    --kill-child -- sh "$here/boot.sh" "$root" > "$work/boot.log" 2>&1 || true
cat "$root/root/said" || {
	tail -n 40 "$work/boot.log" >&2
	die "nothing was said"
}
grep -q '^[0-9]* passed, 0 failed$' "$root/root/said"
