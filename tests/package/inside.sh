# inside.sh: counting what holds and what does not.  Read by the scripts that run in
# a root.

passed=0
failed=0
url=http://127.0.0.1:8000
examples=/usr/share/doc/clinferd/examples

# ok NAME COMMAND...: the command ends well.
ok() {
	name=$1
	shift
	if "$@" > /tmp/out 2>&1; then
		passed=$((passed + 1))
	else
		echo "FAIL $name: status $?"
		sed 's/^/	/' /tmp/out
		failed=$((failed + 1))
	fi
}

# gives STATUS NAME COMMAND...: the command ends with that status.  What it said
# lies in /tmp/said.
gives() {
	want=$1
	name=$2
	shift 2
	status=0
	"$@" > /tmp/said 2>&1 || status=$?
	if [ $status = "$want" ]; then
		passed=$((passed + 1))
	else
		echo "FAIL $name: status $status, not $want"
		sed 's/^/	/' /tmp/said
		failed=$((failed + 1))
	fi
}

# soon COMMAND...: it ends well within some seconds.
soon() {
	n=0
	until "$@"; do
		n=$((n + 1))
		[ $n -lt 100 ] || return 1
		sleep 0.1
	done
}

not() {
	! "$@"
}

ready() {
	curl -fsS -m 10 "$url/v2/health/ready"
}

# ask [MODEL]: the example's digit, a two.
ask() {
	curl -fsS -m 20 -d "@$examples/digit.json" \
	    "$url/v2/models/${1:-digits}/infer" > /tmp/answer &&
	    grep -q '"data":\[2\]' /tmp/answer
}

# Processes of a program: the first 15 characters of its name.
parent() {
	pgrep -x clinferd
}

workers() {
	pgrep -x clinferd-worker
}

nobody() {
	[ -z "$(parent)$(workers)" ]
}

total() {
	echo
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
}
