# lib.sh: clean roots of Debian, and commands in them.  Read by the others.
#
# Everything lies in build-package/ of the tree.  A root is made by mmdebstrap from
# the machine's own apt sources; commands run in it with namespaces of their own
# (mounts, processes, IPC), so that nothing is left of them when they end.

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
here=$top/tests/package
work=$top/build-package
mkdir -p "$work"

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# Chroots need root and a kernel that lets it have namespaces.
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"
unshare --mount --pid --ipc --uts --net --fork --kill-child true || {
	echo "skipped: this kernel forbids namespaces"
	exit 77
}

need() {
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2> /dev/null |
		    grep -q 'ok installed' || missing="${missing:-} $p"
	done
	[ -z "${missing:-}" ] && return
	DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o DPkg::Lock::Timeout=600 install --no-install-recommends \
	    $missing > "$work/apt.log" 2>&1 || die "cannot install$missing"
	missing=
}

own_release() {
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

# sources RELEASE: apt's lines for it, from those this machine has for its own.
sources() {
	apt-get indextargets --format \
	    'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
	    'Created-By: Packages' 'Origin: Debian' 'Component: main' |
	    sed "s/ $(own_release)/ $1/" | sort -u
}

# base RELEASE: $base is a minimal root of it, made once a day.
base() {
	base=$work/base-$1
	[ -z "$(find "$base.done" -mtime -1 2> /dev/null)" ] || return 0
	need mmdebstrap
	say "a minimal root of $1"
	rm -rf "$base" "$base.done"
	sources "$1" > "$work/sources.list"
	[ -s "$work/sources.list" ] || apt-get -q update > "$work/apt.log" 2>&1
	sources "$1" > "$work/sources.list"
	[ -s "$work/sources.list" ] || die "apt knows no Debian archive"
	# What is not for eternity need not be on disk before the next step.
	mmdebstrap --quiet --mode=root --variant=minbase \
	    --dpkgopt=force-unsafe-io --aptopt='APT::Install-Recommends "0"' \
	    "$1" "$base" - < "$work/sources.list" > "$work/mmdebstrap.log" 2>&1 || {
		tail -n 20 "$work/mmdebstrap.log" >&2
		die "no root of $1"
	}
	touch "$base.done"
}

# copy_of ROOT NAME: $root is a fresh copy.
copy_of() {
	root=$work/$2
	[ ! -e "$root" ] || rm -rf --one-file-system "$root"
	cp -a --reflink=auto "$1" "$root"
}

# Where a root's apt keeps packages: once for all of them.
mkdir -p "$work/archives/partial"

# inside ROOT COMMAND...: in the root, with the network that we have.
inside() {
	timeout -s KILL 900 unshare --mount --pid --ipc --uts --fork --kill-child -- \
	    sh "$here/enter.sh" "$@"
}

# alone ROOT COMMAND...: the same, with a loopback of its own and nothing else.
alone() {
	timeout -s KILL 900 unshare --mount --pid --ipc --uts --net --fork --kill-child -- \
	    sh "$here/enter.sh" "$@"
}

# install_in ROOT PACKAGE...
install_in() {
	r=$1
	shift
	inside "$r" sh -c "apt-get -q update && apt-get -q -y install $*" \
	    > "$work/install.log" 2>&1 || {
		tail -n 20 "$work/install.log" >&2
		die "cannot install in $r: $*"
	}
}

# The one file of a kind among what was built.
built() {
	set -- "$work"/deb/$1
	[ -e "$1" ] || die "not built: $1 (first: tests/package/build.sh)"
	echo "$1"
}
