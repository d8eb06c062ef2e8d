"""SIGTERM: what was accepted is answered, what is new is refused, exit status 0."""
import signal
import time

from lib import Daemon, check, equal, receive, whole

d = Daemon()
d.__enter__()
waiting, idle, half = d.connect(), d.connect(), d.connect()
half.sendall(whole()[:-3])
waiting.sendall(whole(((1003,),)))
idle.sendall(whole())
equal(receive(idle)[0].status, 200)
time.sleep(0.02)
d.process.send_signal(signal.SIGTERM)
equal(receive(waiting)[0].json()["outputs"][0]["data"], [2006])
equal(receive(idle)[0], None)
equal(receive(half)[0].error(503), "Server exiting")
equal(d.process.wait(20), 0)
d.__exit__(RuntimeError, None, None)
