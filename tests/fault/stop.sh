#!/bin/sh
# stop.sh BUILD: as kill.py, but workers are stopped, not killed.
exec "${PYTHON:-python3}" "$(dirname "$0")/kill.py" "$1" --signal STOP --seconds 12
