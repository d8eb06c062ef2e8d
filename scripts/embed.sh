#!/bin/sh
# embed.sh FILE...: kernel sources as a C table, for src/ocl/text.c.
set -eu

echo '#include "ocl/text.h"'
echo 'const struct text text_builtin[] = {'
for f; do
	name=$(basename "$f")
	printf '\t{ "%s",\n' "${name%.*}"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$f"
	printf '\t},\n'
done
echo '	{ NULL, NULL }'
echo '};'
