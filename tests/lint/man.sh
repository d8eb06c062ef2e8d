#!/bin/sh
# man.sh SRCDIR BUILDDIR: manual pages, also those that are built, are what mandoc takes
# without a word.  Pages of ours are not installed here, which is no fault of those that
# refer to them.
set -u
cd "$1" || exit 1
command -v mandoc > /dev/null || {
	echo "man: no mandoc"
	[ "${CI:-}" != true ]
	exit
}
said=$(mandoc -T lint conf/*.[1-8] "$2"/*.[1-8] |
    grep -v 'referenced manual not found')
[ -z "$said" ] || {
	echo "$said"
	exit 1
}
