#!/bin/sh
# lint.sh: what lintian has to say of the package and its source, to the last hint.
set -eu
. "$(dirname "$0")/lib.sh"

need lintian
lintian --allow-root --fail-on error,warning,info,pedantic \
    --display-info --pedantic "$(built 'clinferd_*.changes')"
