#!/bin/sh
# hostile.sh BUILD: as tests/fault, with more damaged models and every change of
# the requests.
fault=$(dirname "$0")/../fault
status=0
"${PYTHON:-python3}" "$fault/mutants.py" "$1" --count 2000 --seed 2 || status=1
"${PYTHON:-python3}" "$fault/requests.py" "$1" --every || status=1
exit $status
