#!/bin/sh
# kill.sh BUILD: the numbers of the design: a worker killed every 300 ms for 30 s,
# then one stopped every 5 s for 60 s; and ten million edges of the ring.
set -e
kill=$(dirname "$0")/../fault/kill.py
make -s -C "$1" tests/t_ipc_ring
"$1/tests/t_ipc_ring" 10000000
status=0
"${PYTHON:-python3}" "$kill" "$1" --seconds 30 || status=1
"${PYTHON:-python3}" "$kill" "$1" --seconds 60 --signal STOP || status=1
exit $status
