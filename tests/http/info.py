"""Health, metadata, configuration, statistics, workers, metrics: what clients read."""
from lib import Daemon, check, equal

EIGHT = ["success", "fail", "queue", "compute_input", "compute_infer",
         "compute_output", "cache_hit", "cache_miss"]

with Daemon(models=("double", "bad")) as d:
    equal(d.get("/v2/health/live").json(), {"live": True})
    equal(d.get("/v2/health/ready").json(), {"ready": True})
    equal(d.get("/v2/models/double/ready").json(),
          {"name": "double", "ready": True})
    equal(d.get("/v2/models/bad/ready").error(400), "Model version not ready")
    d.get("/v2/models/nope/ready").error(404)
    for path in ("/v2", "/"):
        server = d.get(path).json()
        check("statistics" in server["extensions"], server)
        equal(server["name"], "clinferd")
    equal(d.get("/v2/models").json(), {"models": ["bad", "double"]})

    meta = d.get("/v2/models/double").json()
    equal(meta["versions"], ["1"])
    equal(meta["inputs"], [{"name": "x", "datatype": "FP32", "shape": [-1, -1]}])
    equal(d.get("/v2/models/double/versions/1").json(), meta)
    config = d.get("/v2/models/double/config").json()
    equal(config["input"][0]["name"], "x")
    equal(config["input"][0]["data_type"], "TYPE_FP32")
    equal(config["input"][0]["dims"], [-1])
    check(config["max_batch_size"] >= 1)
    equal(config["model_transaction_policy"], {"decoupled": False})
    equal(config["response_cache"], {"enable": False})
    d.get("/v2/models/nope").error(404)
    d.get("/v2/models/nope/config").error(404)
    d.get("/v2/models/double/versions/2").error(404)

    for i in range(5):
        equal(d.infer([[1, 2], [3, 4]]).status, 200)
    d.infer([[1009]]).error(400)
    for path in ("/v2/models/stats", "/v2/models/double/stats",
                 "/v2/models/double/versions/1/stats"):
        s = d.get(path).json()["model_stats"][0]
        equal(s["name"], "double")
        equal(sorted(s["inference_stats"]), sorted(EIGHT))
        for t in s["inference_stats"].values():
            check(t["count"] >= 0 and t["ns"] >= 0)
        equal(s["inference_stats"]["success"]["count"], 5)
        equal(s["inference_stats"]["queue"]["count"], 5)
        equal(s["inference_stats"]["fail"]["count"], 1)
        check(s["last_inference"] > 1500000000000)
    equal(d.get("/v2/models/nope/stats").error(400),
          "requested model 'nope' is not available")

    w = d.get("/v2/workers").json()["workers"]
    equal(len(w), 1)
    equal(w[0]["state"], "ready")
    check(w[0]["pid"] > 0 and w[0]["requests"] >= 5, w)

    a = d.get("/metrics")
    check(a.headers["content-type"].startswith("text/plain"))
    seen = set()
    for line in a.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name = line.split(" ")[2]
            check(name not in seen, "twice", name)
            seen.add(name)
        elif not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])
    equal(d.metric('clinferd_requests_success_total{model="double"'), 5)
    check(d.metric("clinferd_loop_longest_seconds") > 0)
    equal(d.metric('clinferd_request_seconds_count{model="double"'), 5)
