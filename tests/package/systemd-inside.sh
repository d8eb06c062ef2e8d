#!/bin/sh
# systemd-inside.sh: what systemd.sh does when its systemd has booted.
set -u
. /root/inside.sh
conf=/etc/clinferd/conf.d/test.conf
property() {
	systemctl show -P "$1" clinferd
}
is() {
	[ "$(property "$1")" = "$2" ]
}

# Started when it was needed: by hand here, multi-user.target is not booted.
ok "enabled" systemctl is-enabled clinferd
ok "nothing wrong with the unit" test -z \
    "$(systemd-analyze verify --man=no clinferd.service 2>&1)"
echo "exposure: $(systemd-analyze security --no-pager clinferd 2> /dev/null |
    sed -n 's/.*exposure level[^:]*: *//p')"
ok "start" systemctl start clinferd
ok "... was ready then" ask
ok "active" systemctl is-active clinferd
ok "says how it is" sh -c \
    "systemctl show -P StatusText clinferd | grep -q '1 of 1 models ready'"
ok "sandboxed worker" grep -q '^Seccomp:	2' "/proc/$(workers)/status"
uid=$(id -u _clinferd)
ok "parent is _clinferd" test "$(awk '/^Uid:/ { print $2 }' \
    "/proc/$(parent)/status")" = "$uid"
owner() {
	[ "$(stat -c '%U:%G %a' "$1")" = "$2" ]
}
ok "models belong to root" owner /var/lib/clinferd/models 'root:root 755'
ok "cache is its own" owner /var/cache/clinferd '_clinferd:_clinferd 700'

# Reload.
pid=$(parent)
ok "reload" systemctl reload clinferd
ok "... is the same" test "$(parent)" = "$pid"
ok "... answers" ask
mkdir -p /etc/clinferd/conf.d
printf '[queue]\nsiez = 5\n' > $conf
ok "reload of a broken configuration fails" not systemctl reload clinferd
ok "... goes on" ask
rm -r "$(dirname $conf)"

# Deaths.
worker=$(workers)
kill -9 "$worker"
ok "a request after a worker's death" ask
kill -9 "$pid"
restarted() {
	is NRestarts 1 && systemctl is-active clinferd
}
ok "killed: started again" soon restarted
ok "... answers" ask
ok "no worker of the old one" test "$(workers | wc -l)" = 1

# The init script hands over to systemd.
ok "/etc/init.d/clinferd status" /etc/init.d/clinferd status
ok "restart" systemctl restart clinferd
ok "... was ready then" ask
ok "stop" systemctl stop clinferd
ok "... nobody" nobody
ok "... well" is Result success
ok "... took its folder along" test ! -e /run/clinferd
total
