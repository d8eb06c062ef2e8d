#!/bin/sh
# life-inside.sh: what life.sh does in its root.  Status codes are those of LSB.
set -u
. /root/inside.sh
init=/etc/init.d/clinferd
conf=/etc/clinferd/conf.d/test.conf
log=/var/log/test.log

# Let invoke-rc.d act as on a machine that runs.
printf '#!/bin/sh\nexit 0\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
# Debian 13's reads a configuration file unless told otherwise; 12's knows none.
busybox syslogd -f /dev/null -O $log 2> /dev/null || busybox syslogd -O $log
groupadd --system render 2> /dev/null || true
every_file() {
	find / -xdev \( -path /proc -o -path /sys -o -path /tmp -o -path /root \
	    -o -path /var/cache/apt -o -path /var/lib/dpkg/info \
	    -o -path /var/lib/systemd -o -path /var/log -o -name '*shadow-' \
	    -o -name 'passwd-' -o -name 'group-' \) -prune -o -print |
	    sort
}
every_file > /root/before

# Installation: it serves when dpkg is through.
begin=$(date +%s%N)
ok "dpkg -i" dpkg -i /root/clinferd.deb
ok "the example answers at once" ask
echo "from dpkg -i to the first answer:" \
    "$((($(date +%s%N) - begin) / 1000000)) ms"
echo "installed size: $(dpkg-query -W -f '${Installed-Size}' clinferd) KiB"
ok "under 3 MB" test "$(dpkg-query -W -f '${Installed-Size}' clinferd)" -lt 3000
ok "ready" ready
ok "status" $init status
ok "service status" service clinferd status
ok "clinferd -t" clinferd -t
for level in 2 3 4 5; do
	ok "starts at level $level" test -e "$(echo /etc/rc$level.d/S*clinferd)"
done

# Privileges: the parent and its workers, whom they belong to and what they hold.
uid=$(id -u _clinferd)
same_uids() {
	[ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$1/status")" = \
	    "$uid $uid $uid $uid" ]
}
has_group() {
	gid=$(getent group "$2" | cut -d: -f3)
	awk '/^Groups:/ { print " " $0 " " }' "/proc/$1/status" |
	    grep -q "[ 	]$gid "
}
no_capabilities() {
	[ -z "$(awk '/^Cap(Prm|Eff|Amb):/ && $2 !~ /^0+$/' "/proc/$1/status")" ]
}
holds() {
	find "/proc/$1/fd" -type l -printf '%l\n'
}
for pid in $(parent) $(workers); do
	what=$(cat "/proc/$pid/comm")
	ok "$what is _clinferd" same_uids "$pid"
	ok "$what is in render" has_group "$pid" render
	ok "$what is in video" has_group "$pid" video
	ok "$what is in no other group" test "$(awk '/^Groups:/ { print NF }' \
	    "/proc/$pid/status")" = 4
	ok "$what has no capabilities" no_capabilities "$pid"
done
ok "one worker" test "$(workers | wc -l)" = 1
ok "worker: no new privileges" grep -q '^NoNewPrivs:	1' \
    "/proc/$(workers)/status"
ok "worker: seccomp" grep -q '^Seccomp:	2' "/proc/$(workers)/status"
devices() {
	holds "$1" | grep '^/dev/' | grep -v '^/dev/null$'
}
ok "the parent opens no device" not devices "$(parent)"
ok "the parent loads no driver" not grep -qE 'OpenCL|LLVM|pocl' \
    "/proc/$(parent)/maps"
ok "the worker does" grep -q 'pocl' "/proc/$(workers)/maps"
owner() {
	[ "$(stat -c '%U:%G %a' "$1")" = "$2" ]
}
ok "cache belongs to it" owner /var/cache/clinferd '_clinferd:_clinferd 755'
ok "a worker's cache, too" owner /var/cache/clinferd/worker-0 \
    '_clinferd:_clinferd 700'
ok "/run/clinferd, too" owner /run/clinferd '_clinferd:_clinferd 755'
ok "models belong to root" owner /var/lib/clinferd/models 'root:root 755'
ok "pid file belongs to root" owner /run/clinferd.pid 'root:root 644'
ok "syslog has its lines" grep -q "daemon.info clinferd.*: ready: " $log

# Start again, reload.
pid=$(parent)
gives 0 "start again" $init start
ok "... is the same" test "$(parent)" = "$pid"
reloads() {
	curl -fsS "$url/metrics" | awk '/^clinferd_reloads_total / { print $2 }'
}
reloaded() {
	[ "$(reloads)" = "$1" ]
}
gives 0 "reload" $init reload
ok "... is counted" soon reloaded 1
gives 0 "force-reload" $init force-reload
ok "... is counted, too" soon reloaded 2
mkdir -p /var/lib/clinferd/models/mine/1
cp /usr/share/clinferd/models/digits/1/model.onnx /var/lib/clinferd/models/mine/1/
gives 0 "reload for a new model" $init reload
ok "... which answers" soon ask mine

# A broken configuration.
mkdir -p /etc/clinferd/conf.d
printf '[queue]\nsiez = 5\n' > $conf
gives 1 "reload of a broken configuration" $init reload
ok "... says what is wrong" grep -q 'test.conf:2: .*queue.size' /tmp/said
ok "... goes on" ask
gives 1 "restart with a broken configuration" $init restart
ok "... goes on, too" test "$(parent)" = "$pid"
ok "... and answers" ask
gives 0 "stop" $init stop
ok "... stops it" nobody
ok "... takes its pid file away" test ! -e /run/clinferd.pid
gives 1 "start with a broken configuration" $init start
gives 3 "status after that" $init status
rm $conf
gives 0 "start" $init start

# An end without manners.
kill -9 "$(parent)"
ok "no worker outlives the parent" soon nobody
gives 1 "status: dead, with a pid file" $init status
gives 0 "start over a stale pid file" $init start
ok "... answers" ask
pid=$(workers)
kill -9 "$pid"
ok "a request after a worker's death" ask
ok "... by another worker" test "$(workers)" != "$pid"

# Stop and start.
pid=$(parent)
gives 0 "restart" $init restart
ok "... is another" test "$(parent)" != "$pid"
ok "... answers at once" ask
gives 0 "try-restart" $init try-restart
ok "... answers, too" ask
gives 3 "an unknown word" $init dance
gives 0 "stop once more" $init stop
ok "... leaves nothing but programs in the cache" \
    test -z "$(find /var/cache/clinferd -mindepth 2 ! -name '*.clbin')"
gives 0 "stop when stopped" $init stop
gives 3 "status when stopped" $init status
gives 7 "reload when stopped" $init reload
gives 0 "try-restart when stopped" $init try-restart
ok "... starts nothing" nobody
rm -rf /run/clinferd
gives 0 "start after a boot" $init start

# A unix socket.
printf '[server]\nlisten = unix:/run/clinferd/http, 127.0.0.1:8000\n' > $conf
gives 0 "restart with a unix socket" $init restart
ok "the socket is for the group" owner /run/clinferd/http \
    '_clinferd:_clinferd 660'
ok "the socket answers" curl -fsS --unix-socket /run/clinferd/http \
    http://localhost/v2/health/ready
rm $conf
gives 0 "restart without it" $init restart
ok "the socket is gone" test ! -e /run/clinferd/http

# A taken port, no driver.
gives 0 "stop for a stranger" $init stop
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 8000))
time.sleep(60)' &
stranger=$!
soon sh -c 'ss -ltn | grep -q 127.0.0.1:8000' || true
gives 1 "start with its port taken" $init start
ok "... fails when it does" not grep "timed out" /tmp/said
ok "... leaves nothing" nobody
gives 3 "status with its port taken" $init status
ok "syslog says why" grep -q "daemon.err clinferd.*127.0.0.1:8000" $log
kill $stranger
wait $stranger 2> /dev/null
mv /etc/OpenCL/vendors /etc/OpenCL/elsewhere
gives 0 "start without a driver" $init start
ok "... is not ready" not ready
ok "syslog says it" grep -q "no device is usable" $log
mv /etc/OpenCL/elsewhere /etc/OpenCL/vendors
gives 0 "reload with a driver" $init reload
ok "... is ready" soon ready
ok "... answers" ask

# An upgrade while it serves; a worker dies between unpacking and restart.
rm -f /tmp/stop
timeout 120 wrk -c 8 -t 1 -d 20 -s /root/wrk.lua "$url/v2/models/digits/infer" \
    > /tmp/wrk 2>&1 &
load=$!
python3 /root/clients.py "$url/v2/models/digits/infer" $examples/digit.json \
    /tmp/stop > /tmp/clients 2>&1 &
clients=$!
sleep 1
parent=$(parent)
ok "unpack the newer version" dpkg --unpack /root/newer.deb
pid=$(workers)
kill -9 "$pid"
another() {
	[ -n "$(workers)" ] && [ "$(workers)" != "$pid" ]
}
ok "another worker" soon another
ok "... of the version that runs" sh -c \
    "readlink /proc/$(workers)/exe | grep -q 'deleted'"
sleep 1
ok "the parent is the same" test "$(parent)" = "$parent"
ok "configure it: a restart" dpkg --configure clinferd
ok "the parent is another" test "$(parent)" != "$parent"
ok "... of the newer version" not sh -c \
    "readlink /proc/$(parent)/exe | grep -q deleted"
sleep 1
touch /tmp/stop
ok "no answer was wrong or cut" wait $clients
cat /tmp/clients
wait $load
cat /tmp/wrk
ok "wrk saw nothing but 200 and 503" grep -q '^wrong=0$' /tmp/wrk
ok "after the upgrade" ask

# The end.
printf '[queue]\nsize = 7\n' > $conf
ok "remove" dpkg -r clinferd
ok "nothing runs" nobody
ok "the configuration stays" test -e /etc/clinferd/clinferd.conf
ok "... the administrator's part, too" test -e $conf
ok "models stay" test -e /var/lib/clinferd/models/mine/1/model.onnx
ok "purge" dpkg -P clinferd
every_file > /root/after
ok "nothing is left" diff /root/before /root/after
ok "nothing runs" nobody
total
