#!/bin/sh
# hostile.sh BUILD: as tests/fault, with more damaged models and every change of
# the requests; then both as they are there, with sanitizers if scripts/check has
# left such a build.
fault=$(dirname "$0")/../fault
python=${PYTHON:-python3}
status=0
"$python" "$fault/mutants.py" "$1" --count 2000 --seed 2 || status=1
"$python" "$fault/requests.py" "$1" --every || status=1
asan=$1/../build-asan
if [ -x "$asan/clinferd-worker" ]; then
	LSAN_OPTIONS=suppressions=$fault/../lsan.supp:print_suppressions=0
	export LSAN_OPTIONS
	"$python" "$fault/mutants.py" "$asan" || status=1
	"$python" "$fault/requests.py" "$asan" || status=1
fi
exit $status
