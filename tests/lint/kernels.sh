#!/bin/sh
# kernels.sh SRCDIR: every kernel file compiles alone with its defaults, as OpenCL C
# 1.2 without a warning, by clang if there is one (no driver is asked).
set -u
cd "$1" || exit 1
bad=0
clang=
for c in clang clang-19 clang-16 clang-15 clang-14; do
	command -v $c > /dev/null && clang=$c && break
done
[ -n "$clang" ] || {
	echo "kernels: no clang"
	[ "${CI:-}" != true ]
	exit
}
for f in cl/*.cl; do
	for profile in "PROFILE_CPU -DLANES" PROFILE_CPU PROFILE_GPU; do
		$clang -x cl -cl-std=CL1.2 -Xclang -finclude-default-header \
		    -target spir64 -fsyntax-only -Wall -Werror \
		    -Wno-unused-function -Wno-unused-variable \
		    -Wno-unused-but-set-variable \
		    -I cl -include cl/common.h -DVEC=8 -D$profile "$f" || {
			echo "$f: does not compile alone ($profile)"
			bad=1
		}
	done
done
exit $bad
