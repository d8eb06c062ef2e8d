#!/bin/sh
# manual.sh BUILDDIR: what clinfer(1) shows, done: each command of its displays, with
# a daemon that serves the packaged example, has to print what stands below it.
# "..." there is any text, alone on a line any lines.
set -u
. "$(dirname "$0")/../../scripts/lib.sh"
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${1:?usage: manual.sh BUILDDIR}
home=$(mktemp -d) || exit 1
trap 'stop_daemon; rm -rf "$home"' EXIT

# The page's folders and addresses are those of the package.
example=$home/examples
mkdir -p "$home/bin" "$home/models" "$example"
ln -s "$top/tests/models/digits" "$home/models/digits"
for kind in json npy; do
	cp "$top/tests/models/digits/requests/00-2.$kind" "$example/digit.$kind"
done
start_daemon "$home/log" -m "$home/models" -l "unix:$home/socket"
export CLINFER="$build/clinfer" DAEMON="$url"
export PATH="$home/bin:$PATH" XDG_CACHE_HOME="$home"
cat > "$home/bin/clinfer" << 'EOF'
#!/bin/sh
# Where the page names no daemon, ours.
case "$* " in
*" -u "*) exec "$CLINFER" "$@" ;;
infer\ * | status\ * | workers\ * | load\ * | unload\ * | metrics\ *)
	exec "$CLINFER" "$@" -u "$DAEMON" ;;
esac
exec "$CLINFER" "$@"
EOF
chmod +x "$home/bin/clinfer"

# Displays as plain text: "$ command" and what it prints; ".Ed" ends it.
sed -n '/^\.Bd -literal/,/^\.Ed/p' "$top/conf/clinfer.1" | grep -v '^\.Bd' |
    sed -e 's/^\\&//' -e 's/\\e/\\/g' -e "s|/tmp/|$home/|g" \
    -e "s|/usr/share/doc/clinferd/examples|$example|g" \
    -e "s|/usr/share/clinferd/models|$home/models|g" \
    -e "s|/run/clinferd/socket|$home/socket|g" \
    -e "s|http://127.0.0.1:8000|$url|g" > "$home/page"

# matches WANT GOT: files.  "..." becomes ".*", the rest is literal; blanks are alike.
matches() {
	GOT=$(cat "$2") awk '
	{
		gsub(/[][\\.*+?(){}|^$]/, "\\\\&")
		gsub(/\\\.\\\.\\\./, ".*")
		want = want (NR > 1 ? "\n" : "") $0
	}
	END {
		got = ENVIRON["GOT"]
		gsub(/[ \t]+/, " ", want)
		gsub(/[ \t]+/, " ", got)
		exit got !~ ("^" want "$")
	}' "$1"
}

passed=0
failed=0
# run_example: the command in $home/command, against $home/want.
run_example() {
	[ -s "$home/command" ] || return 0
	if ! (cd "$home" && sh ./command) > "$home/got" 2>&1 ||
	    ! matches "$home/want" "$home/got"; then
		failed=$((failed + 1))
		printf 'failed: %s\nwant:\n%s\ngot:\n%s\n' \
		    "$(cat "$home/command")" "$(cat "$home/want")" \
		    "$(cat "$home/got")"
	else
		passed=$((passed + 1))
	fi
	: > "$home/command"
}

: > "$home/command"
more=false
while IFS= read -r line; do
	case $more$line in
	true*)
		printf '%s\n' "$line" >> "$home/command"
		;;
	false'$ '*)
		run_example
		: > "$home/want"
		printf '%s\n' "${line#\$ }" > "$home/command"
		;;
	false.Ed)
		run_example
		continue
		;;
	*)
		printf '%s\n' "$line" >> "$home/want"
		continue
		;;
	esac
	case $line in
	*\\) more=true ;;
	*) more=false ;;
	esac
done < "$home/page"

echo "$passed passed, $failed failed"
[ "$passed" -gt 10 ] && [ "$failed" = 0 ]
