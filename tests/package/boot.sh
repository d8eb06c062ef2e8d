#!/bin/sh
# boot.sh ROOT: systemd as PID 1 of the namespaces that systemd.sh has made.  The root
# must be one: in a mere chroot some of systemd's sandboxing fails.
set -eu
root=$1
ip link set lo up
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for d in null zero full random urandom tty; do
	touch "$root/dev/$d"
	mount --bind /dev/$d "$root/dev/$d"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mkdir -p "$root/mnt"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
cd "$root"
pivot_root . mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . \
    /bin/sh -c 'umount -l /mnt
	exec /lib/systemd/systemd --system --unit=test.target \
	    --log-target=console'
