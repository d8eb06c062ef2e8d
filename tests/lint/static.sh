#!/bin/sh
# static.sh SRCDIR BUILDDIR: cppcheck over the sources.
# What is switched off, and why:
#   ctuuninitvar, nullPointerArithmeticOutOfMemory, nullPointerOutOfMemory
#	do not follow that a failing call returns before the pointer is used
#   checkersReport	is no finding
set -u
cd "$1" || exit 1
command -v cppcheck > /dev/null || {
	echo "static: no cppcheck"
	[ "${CI:-}" != true ]
	exit
}
# -D: what config.h and the build's flags would say.
exec cppcheck -q -j 2 --std=c11 --error-exitcode=1 --inline-suppr \
    --enable=warning,performance,portability \
    --suppress=ctuuninitvar --suppress=nullPointerOutOfMemory \
    --suppress=nullPointerArithmeticOutOfMemory \
    --suppress=missingIncludeSystem --suppress=checkersReport \
    -DPACKAGE_VERSION='"0"' -D_GNU_SOURCE -I src -I "$2" \
    --template='{file}:{line}: {id}: {message}' src
