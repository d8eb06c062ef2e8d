"""Index, load and unload, with requests under way and with broken models."""
import threading
import time

from lib import Daemon, INFER, check, equal, request

R = "/v2/repository/"


def index(d, body=""):
    return {m["name"]: m for m in d.post(R + "index", body).json()}


with Daemon(models=("double", "bad")) as d:
    both = index(d)
    equal(both["double"], {"name": "double", "version": "1", "state": "READY"})
    equal(both["bad"]["state"], "UNAVAILABLE")
    check("it is bad" in both["bad"]["reason"], both)
    equal(list(index(d, {"ready": True})), ["double"])
    d.post(R + "index", {"ready": 1}).error(400)
    d.post(R + "index", "{").error(400)
    d.post(R + "index", "x" * 100000).error(413)

    d.add_model("later")
    d.post("/v2/models/later/infer", request([[1]])).error(404)
    a = d.post(R + "models/later/load", "")
    equal((a.status, a.body), (200, b""))
    equal(d.post("/v2/models/later/infer", request([[1]])).status, 200)

    # Unloading waits for nobody and loses nobody.
    result = []
    slow = threading.Thread(target=lambda: result.append(
        d.post("/v2/models/later/infer", request([[1003]])).status))
    slow.start()
    time.sleep(0.03)
    a = d.post(R + "models/later/unload",
               {"parameters": {"unload_dependents": False}})
    equal((a.status, a.body), (200, b""))
    slow.join()
    equal(result, [200])
    d.post("/v2/models/later/infer", request([[1]])).error(404)

    # Loading what is loaded is loading again.
    equal(d.post(R + "models/double/load", {}).status, 200)
    equal(d.infer([[1]]).status, 200)
    check(d.post(R + "models/bad/load", "").status >= 400)
    for name in ("nope", "..%2Fx", "%2e%2e", "a%2f..%2fdouble"):
        a = d.post(R + "models/" + name + "/load", "")
        check(400 <= a.status < 500, name, a.status, a.body)
    d.post(R + "models/double/load", {"parameters": {"config": "{}"}}).error(501)
    d.post(R + "other/models/double/load", "").error(501)
