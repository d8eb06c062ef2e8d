#!/bin/sh
# build.sh [BUILD [RELEASE]]: the package, built in a clean root that has nothing but
# what debian/control names, as an ordinary user and without a network.  BUILD: a
# configured build folder, for make dist.  What is made lies in build-package/deb.
set -eu
. "$(dirname "$0")/lib.sh"
build=${1:-$top/build-check}
release=${2:-$(own_release)}

base "$release"
copy_of "$base" root-build
say "what the build depends on"
# apt reads a control file as a source package's.
mkdir -p "$root/build/debian"
cp "$top/debian/control" "$root/build/debian/"
inside "$root" sh -c 'apt-get -q update &&
    apt-get -q -y install build-essential fakeroot &&
    apt-get -q -y build-dep /build && useradd -m builder' \
    > "$work/install.log" 2>&1 || {
	tail -n 20 "$work/install.log" >&2
	die "cannot install what the build depends on"
}

say "make dist"
make -C "$build" -s dist > /dev/null
version=$(sed -n 's/^VERSION = //p' "$build/Makefile")
rm -rf "$root/build" "$work/deb"
mkdir -p "$root/build" "$work/deb"
cp "$build/clinferd-$version.tar.xz" \
    "$root/build/clinferd_$version.orig.tar.xz"
tar -C "$root/build" -xf "$root/build/clinferd_$version.orig.tar.xz"
cp -r "$top/debian" "$root/build/clinferd-$version/"
chmod -R a+rX "$root/build"

say "dpkg-buildpackage -us -uc"
alone "$root" sh -c "chown -R builder /build && cd /build/clinferd-$version &&
    runuser -u builder -- env DEB_BUILD_OPTIONS='parallel=$(nproc) ${DEB_BUILD_OPTIONS:-}' \
    dpkg-buildpackage -us -uc" > "$work/deb/build.log" 2>&1 || {
	tail -n 60 "$work/deb/build.log" >&2
	die "the build failed"
}
cp "$root"/build/clinferd*_* "$work/deb/"
(cd "$work/deb" && ls -l ./*.deb)
