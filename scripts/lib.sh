# lib.sh: what demo and check have in common.  Read by them, never run.
#
# $top is the source tree, $build where it is built.  Nothing is written elsewhere,
# except that missing Debian packages are installed (as root or with sudo).

top=$(cd "$(dirname "$0")/.." && pwd) || exit 1

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# What a build needs, in Debian's names.
build_packages="gcc make autoconf automake pkg-config libevent-dev libjansson-dev
libinih-dev zlib1g-dev ocl-icd-opencl-dev pocl-opencl-icd"

# Why, one per line, is in README.

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		die "neither root nor sudo: please run: $*"
	fi
}

# need_packages NAME...: install those that are missing.
need_packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2> /dev/null |
		    grep -q 'ok installed' || missing="$missing $p"
	done
	[ -z "$missing" ] && return
	say "install$missing"
	as_root env DEBIAN_FRONTEND=noninteractive sh -c \
	    "apt-get -q update && apt-get -q -y install --no-install-recommends $missing" \
	    > "$top/apt.log" 2>&1 || {
		tail -n 20 "$top/apt.log" >&2
		die "cannot install$missing (apt.log)"
	}
}

cores() {
	getconf _NPROCESSORS_ONLN
}

# build_in FOLDER OPTION...: configure there if need be, and build.
build_in() {
	build=$1
	shift
	[ ! -e "$top/config.status" ] ||
	    die "$top is built in place: please make distclean first"
	[ -e "$top/configure" ] || (cd "$top" && autoreconf -fi) \
	    > "$top/autoreconf.log" 2>&1 || die "autoreconf failed (autoreconf.log)"
	mkdir -p "$build"
	if [ ! -e "$build/config.status" ]; then
		(cd "$build" && "$top/configure" -q "$@") ||
		    die "configure failed ($build/config.log)"
	fi
	make -C "$build" -s -j "$(cores)" all > "$build/build.log" 2>&1 || {
		grep -E 'error|\*\*\*' "$build/build.log" >&2
		die "the build failed ($build/build.log)"
	}
}

# A port of the loopback that nobody listens on.
free_port() {
	port=8000
	while code=0; curl -s -o /dev/null "http://127.0.0.1:$port/" || code=$?
	    [ $code != 7 ]; do
		port=$((port + 1))
	done
	echo $port
}

# start_daemon LOG OPTION...: in the background, ready to answer at $url.
start_daemon() {
	log=$1
	shift
	port=$(free_port)
	url=http://127.0.0.1:$port
	# A tree in root's hands is no place for another user.
	[ "$(id -u)" != 0 ] || set -- -u root "$@"
	"$build/clinferd" -l "127.0.0.1:$port" -s "worker.cache=$build/cache" \
	    "$@" 2> "$log" &
	daemon=$!
	n=0
	until curl -s -f -o /dev/null "$url/v2/health/ready"; do
		n=$((n + 1))
		if [ $n = 300 ] || ! kill -0 $daemon 2> /dev/null; then
			cat "$log" >&2
			die "clinferd did not become ready in a minute"
		fi
		sleep 0.2
	done
}

stop_daemon() {
	[ -n "${daemon:-}" ] || return 0
	kill "$daemon" 2> /dev/null
	wait "$daemon"
	status=$?
	daemon=
	return $status
}
