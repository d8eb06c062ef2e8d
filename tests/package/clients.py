#!/usr/bin/env python3
"""
clients.py URL REQUEST STOP: ask again and again on eight connections until the file
STOP is there; then say what came of it, and end with 1 if any answer was wrong or cut.

While a daemon is restarted, three things may happen to an honest client: it is
refused, its idle connection is closed, or it hears 503 (which says: not done, try
again).  Nothing else.
"""
import http.client
import os
import sys
import threading
import time
import urllib.parse

url = urllib.parse.urlparse(sys.argv[1])
with open(sys.argv[2], "rb") as f:
    body = f.read()
stop = sys.argv[3]
counts = {"right": 0, "refused": 0, "closed": 0, "unavailable": 0, "bad": 0}
lock = threading.Lock()
first_bad = []


def count(what, why=None):
    with lock:
        counts[what] += 1
        if what == "bad" and len(first_bad) < 5:
            first_bad.append(why)


def ask(connection):
    """One request; False: the connection is of no more use."""
    try:
        connection.request("POST", url.path, body,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
    except ConnectionRefusedError:
        count("refused")
        time.sleep(0.01)
        return False
    except (http.client.RemoteDisconnected, ConnectionResetError,
            BrokenPipeError):
        count("closed")         # before the first byte of an answer
        return False
    try:
        text = answer.read()
    except Exception as e:
        count("bad", "cut: %r" % e)
        return False
    if answer.status == 503 and b'"error"' in text:
        count("unavailable")
    elif answer.status != 200 or b'"data":[2]' not in text:
        count("bad", "%d %r" % (answer.status, text[:200]))
    else:
        count("right")
    return not answer.will_close


def client():
    connection = None
    while not os.path.exists(stop):
        if connection is None:
            connection = http.client.HTTPConnection(url.netloc, timeout=30)
        try:
            good = ask(connection)
        except Exception as e:
            count("bad", repr(e))
            good = False
        if not good:
            connection.close()
            connection = None


threads = [threading.Thread(target=client) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(" ".join("%s=%d" % c for c in counts.items()))
for why in first_bad:
    print("bad:", why)
sys.exit(counts["bad"] > 0 or counts["right"] == 0)
