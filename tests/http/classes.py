"""What changes the server is for near addresses only, unless configured."""
import http.client
import json
import socket

from lib import Daemon, INFER, equal, request

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]

with Daemon(listen=("0.0.0.0:%d" % port,)) as d:
    def far(method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        c.request(method, path, body)
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, text

    equal(far("GET", "/v2")[0], 200)
    equal(far("GET", "/metrics")[0], 200)
    equal(far("POST", INFER, json.dumps(request([[1]])))[0], 200)
    equal(far("POST", "/v2/repository/index", "")[0], 200)
    for what in ("load", "unload"):
        path = "/v2/repository/models/double/" + what
        status, text = far("POST", path, "")
        equal(status, 403)
        equal(json.loads(text)["error"],
              "This API is not available on this address")
    equal(d.post("/v2/repository/models/double/load", "").status, 200)
