"""clinfer infer against the daemon: what goes in, what comes out, what is refused."""
import json
import os
import socket

from lib import Daemon, check, equal, floats
from tool import Run, read_npy, scratch, write_npy, write_pb

with Daemon(models=("double", "bad")) as d:
    url = "http://127.0.0.1:%d" % d.port
    x = scratch(d, "x.npy")
    write_npy(x, "<f4", (2, 3), floats(1, 2, 3, 4, 5, 6))
    pb = scratch(d, "x.pb")
    write_pb(pb, 1, (1, 2), floats(0.5, -4))

    def infer(*args, at=url):
        return Run(("infer",) + args, at)

    # Inputs of every kind; an only input needs no name.
    want = "y float[2,3]: 2 4 6 8 10 12\n"
    for args in (("double", "-i", "x=" + x), ("-i", x, "double"),
                 ("double", "--input", "x=" + x, "--version", "1")):
        equal(infer(*args).text(), want)
    equal(infer("double", "-i", pb).text(), "y float[1,2]: 1 -8\n")
    equal(infer("double", "-i", "@ones").text(), "y float[1,1]: 2\n")
    equal(infer("double", "-i", "x=@zeros", "--shape", "x=1x3").text(),
          "y float[1,3]: 0 0 0\n")
    equal(infer("double", "-i", "x=@ones", "--shape", "x=0x3").text(), "y float[0,3]:\n")

    # Answers: as the protocol has them, and as files.
    plain = d.infer([[1, 2, 3], [4, 5, 6]]).json()
    equal(infer("double", "-i", x, "--json").json(), plain)
    out = scratch(d, "out")
    equal(infer("double", "-i", x, "-o", out).text(), "")
    head, data = read_npy(out + "/y.npy")
    check("'<f4'" in head and "(2, 3" in head, head)
    equal(data, floats(2, 4, 6, 8, 10, 12))
    equal(infer("double", "-i", x, "-o", out, "--json").json(), plain)
    infer("double", "-i", x, "-o", x).error(x)

    # Large: sent and taken in many pieces.
    n = 500000
    big = scratch(d, "big.npy")
    write_npy(big, "<f4", (1, n), floats(*range(n)))
    infer("double", "-i", big, "-o", out).text()
    equal(read_npy(out + "/y.npy")[1], floats(*range(0, 2 * n, 2)))

    # Every way to reach it.
    ways = ["unix:%s/socket" % d.dir, "127.0.0.1:%d" % d.port, url + "/"]
    try:
        socket.gethostbyname("localhost")
        ways.append("HTTP://localhost:%d" % d.port)
    except OSError:
        pass        # a root without /etc/hosts
    for at in ways:
        equal(infer("double", "-i", x, at=at).text(), want)

    # Wrong inputs: which one, what it is, what is wanted.
    infer("double").error('input "x"', "not given", "-i x=FILE")
    infer("double", "-i", "z=@ones").error('no input "z"')
    infer("double", "-i", "xx=@ones").error('no input "xx"')
    infer("double", "-i", "x=@ones", "-i", "x=@ones").error('"x" is given twice')
    infer("double", "-i", "@ones", "-i", "@ones").error("NAME=FILE")
    infer("double", "-i", "x=@twos").error("@twos", "@zeros")
    infer("double", "-i", "x=/nowhere.npy").error("/nowhere.npy", "No such file")
    wrong = scratch(d, "wrong.npy")
    write_npy(wrong, "<f8", (1, 2), bytes(16))
    infer("double", "-i", wrong).error('input "x" is FP64 [1,2]', "FP32 [-1,-1]")
    write_npy(wrong, "<f4", (2,), bytes(8))
    infer("double", "-i", wrong).error('input "x" is FP32 [2]', "FP32 [-1,-1]")
    with open(wrong, "w") as f:
        f.write("hello")
    infer("double", "-i", wrong).error(wrong)
    write_npy(wrong, "<f4", (1, 2), bytes(4))
    infer("double", "-i", wrong).error(wrong)

    # Wrong models, in the daemon's words.
    infer("nope", "-i", "x=@ones").error("nope: " + url, "not found", "status 404")
    infer("bad", "-i", "x=@ones").error("no available versions", "status 404")
    infer("../double", "-i", "x=@ones").error("status 404")
    infer("a b%/é", "-i", "x=@ones").error("'a b%/é'", "status 404")
    infer("double", "-i", "@ones", "--version", "7").error("version 7", "status 404")
    write_npy(wrong, "<f4", (1, 1), floats(1009))
    infer("double", "-i", wrong).error("the fake does not like it", "status 400")

    # Wrong usage.
    for args in ((), ("a", "b"), ("double", "--shape", "x"), ("double", "-x"),
                 ("double", "--version", "one"), ("double", "--version", ""),
                 ("double", "--timeout", "0"), ("double", "--timeout", "soon")):
        infer(*args).usage()
    help = infer("-h")
    check("--version" in help.text() and "--url" in help.out.decode())

    # The same convenience without a daemon; names are checked there, too.  Drivers leak.
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    digits = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../models/digits")
    Run(("run", "-i", "@ones", "-i", "@ones", digits), env=env).error("NAME=FILE")
    Run(("run", "-i", "img=@ones", digits), env=env).error('no input "img"')
