"""SIGHUP and server.listen: new addresses open before old ones close, all or none,
and no request is lost, on the old ones nor on the new."""
import os
import socket
import threading

from lib import Daemon, check, equal, free_port, receive, whole

CONF = """[models]
dir = %(dir)s/models
[server]
listen = 127.0.0.1:%(port)d unix:%(dir)s/socket """


def answers(port, host="127.0.0.1"):
    try:
        with d.connect(port, host) as s:
            s.sendall(whole())
            return receive(s)[0].status == 200
    except OSError:
        return False


def closes(port, host="127.0.0.1"):
    """At once, or where only root may drop who connects, when its time is over."""
    d.until(lambda: not answers(port, host), "closed", host, port)


def unix():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(d.dir + "/socket")
    return s


with Daemon(conf=CONF) as d:
    second = free_port()

    # A request under way, one half sent, one connection idle: all at the first.
    slow, half, idle = d.connect(), d.connect(), d.connect()
    kept = unix()
    idle.sendall(whole())
    equal(receive(idle)[0].status, 200)
    half.sendall(whole()[:-3])
    slow.sendall(whole(((1003,),)))
    inode = os.stat(d.dir + "/socket").st_ino
    said = d.reload(CONF.replace("127.0.0.1:%(port)d", "127.0.0.1:%d" % second))
    check(any("server.listen changed" in x for x in said), said)
    check(answers(second), "the new one")
    closes(d.port)
    equal(receive(slow)[0].json()["outputs"][0]["data"], [2006])
    half.sendall(whole()[-3:])
    a, rest = receive(half)
    equal((a.status, a.headers.get("connection")), (200, "close"))
    idle.sendall(whole())
    a, rest = receive(idle, b"")
    equal((a.status, a.headers.get("connection")), (200, "close"))
    equal(receive(idle)[0], None)
    # What stays was not touched.
    equal(os.stat(d.dir + "/socket").st_ino, inode)
    kept.sendall(whole())
    a = receive(kept)[0]
    equal((a.status, a.headers.get("connection")), (200, None))
    first, d.port = d.port, second

    # One that cannot be had: nothing changes, and it says so.
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    bad = "127.0.0.1:%d" % taken.getsockname()[1]
    said = d.reload(CONF.replace("unix:%(dir)s/socket", "127.0.0.1:%d %s "
                                 "unix:%%(dir)s/no/s" % (first, bad)))
    check(any("error: config: %s: bind: Address already in use" % bad in x
              for x in said), said)
    check(any("/no/s: bind: No such file" in x for x in said), said)
    check(answers(second) and not answers(first))
    unix().close()
    # The next reload tries again.
    said = d.reload()
    check(any("server.listen changed" in x for x in said), said)
    check(any("/no/s: bind: No such file" in x for x in said), said)
    taken.close()
    d.reload(CONF + bad)
    check(answers(second) and answers(int(bad.split(":")[1])))
    d.reload(CONF)
    check(answers(second))
    closes(int(bad.split(":")[1]))

    # The same port, everywhere and back; meanwhile clients who keep on asking.
    failed, done, asked = [], threading.Event(), [0]

    def client(keep):
        s, rest = None, b""
        while not done.is_set():
            try:
                s = s or d.connect()
                s.sendall(whole())
                a, rest = receive(s, rest)
                if a is None or a.status != 200:
                    failed.append("no answer" if a is None else a.status)
                    return
                asked[0] += 1
                if not keep or a.headers.get("connection") == "close":
                    s.close()
                    s, rest = None, b""
            except OSError as e:
                failed.append(e)
                return

    clients = [threading.Thread(target=client, args=(k % 2,)) for k in range(4)]
    for c in clients:
        c.start()
    for _ in range(5):
        before = asked[0]
        said = d.reload(CONF.replace("127.0.0.1", "0.0.0.0"))
        check(not any("error" in x for x in said), said)
        check(answers(second, "127.0.0.2"), "everywhere")
        d.reload(CONF)
        closes(second, "127.0.0.2")
        d.until(lambda: asked[0] > before or failed, "they go on")
    done.set()
    for c in clients:
        c.join()
    equal(failed, [])
    # Nobody else can have the port.
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("0.0.0.0", second))
            check(False, "the port is shared")
        except OSError:
            pass

    # A socket file goes with its listener.
    d.reload(CONF.replace("unix:%(dir)s/socket", ""))
    check(not os.path.exists(d.dir + "/socket"))
    d.reload(CONF)
    s = unix()
    s.sendall(whole())
    equal(receive(s)[0].status, 200)
