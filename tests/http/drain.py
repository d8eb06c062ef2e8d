"""SIGTERM: what was accepted or has begun to arrive is answered, what is new is refused,
exit status 0."""
import signal
import socket
import time

from lib import Daemon, check, equal, receive, whole

d = Daemon("server.drain_timeout=3s")
d.__enter__()
waiting, idle, half, stuck = (d.connect() for _ in range(4))
half.sendall(whole()[:-3])
stuck.sendall(whole()[:-3])
waiting.sendall(whole(((1003,),)))
idle.sendall(whole())
equal(receive(idle)[0].status, 200)
time.sleep(0.02)
d.process.send_signal(signal.SIGTERM)
equal(receive(idle)[0], None)
half.sendall(whole()[-3:])
equal(receive(half)[0].status, 200)
equal(half.recv(1), b"")
equal(receive(waiting)[0].json()["outputs"][0]["data"], [2006])
try:
    d.connect()
    check(False, "a new connection")
except (ConnectionRefusedError, socket.timeout):
    pass
equal(receive(stuck)[0].error(503), "Server exiting")
equal(d.process.wait(20), 0)
d.__exit__(RuntimeError, None, None)
