#!/bin/sh
# style.sh SRCDIR: what one style means, as far as a program can see it: 80 columns
# (tabs count to 8), no blanks at ends of lines, tabs for indentation, files of at
# most 600 lines, functions of at most 60, an opening comment in every header, no
# area of the log that log.c does not know.
set -u
cd "$1" || exit 1
bad=0

files() {
	# builtin.c: made of cl/ where the tree is built in place.
	find src cl tests -type f ! -name builtin.c \
	    \( -name '*.[ch]' -o -name '*.cl' \) | sort
}

lines=$(files | while read -r f; do
	expand -t 8 "$f" | awk -v f="$f" '
	    length($0) > 80 { print f ":" NR ": " length($0) " columns" }
	    / $/ { print f ":" NR ": blank at the end" }
	    END { if (NR > 600) print f ": " NR " lines" }'
	awk -v f="$f" '
	    /^ {8}/ { print f ":" NR ": indented with blanks" }
	    /\t$/ { print f ":" NR ": tab at the end" }' "$f"
done)
[ -z "$lines" ] || { echo "$lines"; bad=1; }

for f in src/*/*.h; do
	head -n 1 "$f" | grep -q '^/\*' || {
		echo "$f: does not say what it is for"
		bad=1
	}
done

# Levels are set by the areas that log.c knows.
for a in $(grep -rhoE 'log_(error|warn|info|debug)\("[a-z]+"' src | cut -d'"' -f2 |
    sort -u); do
	grep -q "{ .name = \"$a\" }" src/base/log.c || {
		echo "src/base/log.c: no area \"$a\""
		bad=1
	}
done

todo=$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $(files)) &&
    { echo "$todo"; bad=1; }

if command -v ctags > /dev/null; then
	long=$(files | grep '\.c$' |
	    ctags -f - --languages=C --kinds-C=f --fields=+ne -L - 2>/dev/null |
	    awk -F'\t' '{
		start = end = 0
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) start = substr($i, 6)
			if ($i ~ /^end:/) end = substr($i, 5)
		}
		if (end - start + 1 > 60)
			printf "%s:%d: %s has %d lines\n", $2, start, $1,
			    end - start + 1
	    }')
	[ -z "$long" ] || { echo "$long"; bad=1; }
elif [ "${CI:-}" = true ]; then
	echo "style: no ctags"
	bad=1
fi
exit $bad
