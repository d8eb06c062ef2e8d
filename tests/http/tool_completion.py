"""
conf/clinfer.bash in a bash on a terminal: what it makes of a line when the user asks
for all completions (ESC *), word by word.
"""
import os
import pty
import select
import shutil
import sys
import time

from lib import Daemon, build_dir, check, equal
from tool import Server, answer

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/clinfer.bash")
ALL = b"\x1b*"          # readline: insert all completions


class Bash:
    def __init__(self, folder):
        env = {"PATH": build_dir() + ":" + os.environ["PATH"], "PS1": "ready> ", "TERM": "dumb",
               "HOME": folder, "INPUTRC": "/dev/null", "LC_ALL": "C.UTF-8"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
        self.wait(b"ready> ")
        self.run("bind 'set enable-bracketed-paste off'; bind 'set horizontal-scroll-mode on'")
        self.run(". %s" % SCRIPT)

    def wait(self, what):
        got, end = b"", time.monotonic() + 60
        while what not in got:
            check(time.monotonic() < end, "no", what, "in", got)
            if select.select([self.fd], [], [], 1)[0]:
                got += os.read(self.fd, 65536)
        return got

    def run(self, line):
        """What it prints; the command after it prints the mark, its echo does not."""
        os.write(self.fd, line.encode() + b"\n")
        os.write(self.fd, b"echo ma''rk\n")
        return self.wait(b"\nmark\r\n")

    def words(self, line):
        """The words of the line when all completions of its last are inserted."""
        with open("%s/words" % self.folder(), "wb"):
            pass
        # Ctrl-A: the line becomes the arguments of a command that writes them down.
        os.write(self.fd, line.encode() + ALL + b"\x01printf '%s\\n' \x05 > ~/words\n")
        self.run("")
        with open("%s/words" % self.folder()) as f:
            return f.read().split("\n")[:-1]

    def folder(self):
        return os.readlink("/proc/%d/cwd" % self.pid)

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def replies(bash, line, want, tries=1):
    """
    The last word of the line is replaced by all of these.  More tries are for a daemon
    that has a second to answer, and not always the machine for it.
    """
    before = line.split(" ")[:-1]
    got = bash.words(line)
    while sorted(got[len(before):]) != sorted(want) and tries > 1:
        tries -= 1
        got = bash.words(line)
    equal(got[:len(before)], before, line, got)
    equal(sorted(got[len(before):]), sorted(want), line)


def mute(asked, s):
    """Until the client has enough of it: longer than a test waits."""
    s.settimeout(300)
    s.recv(1)


def test(bash, d):
    url = "http://127.0.0.1:%d" % d.port
    # Commands.
    replies(bash, "clinfer l", ["load"])
    replies(bash, "clinfer ", ["devices", "inspect", "run", "check", "bench", "infer", "status",
                               "workers", "load", "unload", "metrics", "-h", "--help", "-V",
                               "--version"])
    replies(bash, "clinfer --v", ["--version"])
    replies(bash, "clinfer nope -", ["-h", "--help"])
    # Options: those of that command.
    replies(bash, "clinfer infer --ver", ["--version"])
    replies(bash, "clinfer load -", ["-u", "--url", "--timeout", "-h", "--help"])
    replies(bash, "clinfer run --", ["--input", "--shape", "--output", "--device", "--help"])
    # Files, in whole or behind a name; folders; neither.
    replies(bash, "clinfer run -i fi", ["file.npy"])
    replies(bash, "clinfer run fol", ["folder"])
    replies(bash, "clinfer infer double -i folder/", ["folder/with space.npy", "folder/x.pb"])
    replies(bash, "clinfer infer double -i x=fi", ["x=file.npy"])
    replies(bash, "clinfer infer double --input=fi", ["--input=file.npy"])
    replies(bash, "clinfer infer double -i x=@z", ["x=@zeros"])
    replies(bash, "clinfer infer double -i @", ["@zeros", "@ones"])
    replies(bash, "clinfer infer double -o f", ["folder"])
    replies(bash, "clinfer infer double --output=f", ["--output=folder"])
    replies(bash, "clinfer infer double --version f", ["f"])
    replies(bash, "clinfer status f", ["f"])
    # Where the daemon is.
    replies(bash, "clinfer status -u h", ["http://"])
    replies(bash, "clinfer status --url=u", ["--url=unix:"])
    replies(bash, "clinfer status -u unix:fi", ["unix:file.npy"])
    # Models that it has, wherever it is.
    for where in ("-u " + url, "--url " + url, "--url=" + url, "-u unix:%s/socket" % d.dir):
        replies(bash, "clinfer load %s d" % where, ["dou ble", "double"], 10)
        replies(bash, "clinfer infer %s -i @ones b" % where, ["bad"], 10)
    replies(bash, "clinfer infer -u %s nope" % url, ["nope"])
    # The default URL: whoever listens there, the line stays one.
    equal(bash.words("clinfer unload no-such-model-here"),
          ["clinfer", "unload", "no-such-model-here"])
    # Nobody there; and somebody who never answers.
    replies(bash, "clinfer load -u http://127.0.0.1:1 f", ["f"])
    with Server(mute) as server:
        replies(bash, "clinfer load -u %s f" % server.url, ["f"])
    # Names that a shell would run are only text.
    evil = ["$(touch evil)", "`touch evil`", "a;touch evil", "~", "a'b", "*"]
    with Server(lambda asked, s: answer([{"name": n} for n in evil])) as server:
        replies(bash, "clinfer load -u %s " % server.url, evil, 10)
    check("evil" not in os.listdir(bash.folder()))
    # All of that was silent.
    equal(bash.run("clinfer load -u http://127.0.0.1:1 d\t\x15").count(b"clinfer:"), 0)


if shutil.which("bash") is None:
    sys.exit(77)
with Daemon(models=("double", "dou ble", "bad")) as d:
    home = d.dir + "/home"
    os.makedirs(home + "/folder")
    for name in ("file.npy", "folder/with space.npy", "folder/x.pb"):
        open("%s/%s" % (home, name), "w").close()
    bash = Bash(home)
    try:
        test(bash, d)
    finally:
        bash.close()
