#!/bin/sh
# shell.sh SRCDIR: every shell script is at least read by a shell, and by shellcheck;
# completions for bash by the latter.
set -u
cd "$1" || exit 1
bad=0
# -path: only what is ours, not what a build makes.
scripts=$(find scripts .ci tests conf -type f 2>/dev/null | sort |
    while read -r f; do
	head -n 1 "$f" | grep -q '^#!.*[/ ]sh$' && echo "$f"
    done)
for f in $scripts; do
	sh -n "$f" || bad=1
done
if command -v shellcheck > /dev/null; then
	# SC2086, SC2046, SC2013: words are split on purpose.  SC1091, SC2154:
	# sources, and what they set, are found at run time.
	except=SC2086,SC2046,SC2013,SC1091,SC2154
	shellcheck -s sh -e $except $scripts || bad=1
	shellcheck -s bash -e $except conf/*.bash || bad=1
elif [ "${CI:-}" = true ]; then
	echo "shell: no shellcheck"
	bad=1
fi
exit $bad
