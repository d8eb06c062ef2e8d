#!/bin/sh
# layers.sh SRCDIR: a folder of src/ may include only what this table allows it.
# With BUILDDIR as a second argument also: what its archive needs from others must
# come from those (the linker's view).
set -u
src=$1
build=${2:-}
bad=0

# Folders whose headers each may include, besides its own.
allowed() {
	case $1 in
	base)	echo "" ;;
	parse)	echo "base" ;;
	ipc)	echo "base" ;;
	model)	echo "base parse" ;;
	ocl)	echo "base" ;;
	plan)	echo "base model ocl" ;;
	op)	echo "base model ocl plan" ;;
	engine)	echo "base parse model ocl plan op" ;;
	worker)	echo "base ipc model ocl engine" ;;
	parent)	echo "base parse ipc" ;;
	tool)	echo "base parse model ocl plan engine" ;;
	*)	return 1 ;;
	esac
}

# Libraries that only these folders may include.
libraries() {
	case $1 in
	parent)	echo "event2/ jansson.h ini.h" ;;
	parse)	echo "ini.h" ;;
	tool)	echo "jansson.h" ;;
	ocl)	echo "CL/" ;;
	*)	echo "" ;;
	esac
}

complain() {
	echo "layers: $*"
	bad=1
}

for dir in "$src"/src/*/; do
	folder=$(basename "$dir")
	allow=$(allowed "$folder") || {
		complain "src/$folder is not in the table"
		continue
	}
	for use in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$dir"*.[ch] |
	    sort -u); do
		case " $allow $folder " in
		*" $use "*) ;;
		*) complain "$folder includes $use:" \
		    "$(grep -l "^#include \"$use/" "$dir"*.[ch] | tr '\n' ' ')" ;;
		esac
	done
	own=$(libraries "$folder")
	for lib in event2/ jansson.h ini.h CL/; do
		case " $own " in
		*" $lib "*) continue ;;
		esac
		files=$(grep -l "^#include <$lib" "$dir"*.[ch] 2>/dev/null) &&
		    complain "$folder includes <$lib>: $files"
	done
done

# symbols ARCHIVE: what it defines, one per line
defined() {
	nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' |
	    sort -u
}

needed() {
	nm -u "$1" 2>/dev/null | awk 'NF == 2 { print $2 }' | sort -u
}

if [ -n "$build" ]; then
	tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT
	for a in "$build"/lib*.a; do
		name=$(basename "$a" .a)
		defined "$a" > "$tmp/${name#lib}.def"
		needed "$a" > "$tmp/${name#lib}.need"
	done
	for need in "$tmp"/*.need; do
		folder=$(basename "$need" .need)
		allow=$(allowed "$folder") || continue
		for def in "$tmp"/*.def; do
			other=$(basename "$def" .def)
			allowed "$other" > /dev/null || continue
			case " $allow $folder " in
			*" $other "*) continue ;;
			esac
			common=$(comm -12 "$need" "$def" | tr '\n' ' ')
			# tool and worker reach op only through engine
			[ -z "$common" ] ||
			    complain "lib$folder.a needs from lib$other.a: $common"
		done
	done
fi
exit $bad
