-- wrk: post the file named as the first argument; count what is no 200.
bad = 0
local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init(args)
	local file = assert(io.open(args[1], "rb"))
	wrk.method = "POST"
	wrk.body = file:read("*a")
	wrk.headers["Content-Type"] = "application/json"
	file:close()
	bad = 0
end

function response(status)
	if status ~= 200 then
		bad = bad + 1
	end
end

function done(summary, latency)
	local all = 0
	for _, thread in ipairs(threads) do
		all = all + thread:get("bad")
	end
	local e = summary.errors
	io.write(string.format(
	    '{"requests":%d,"seconds":%f,"p50_us":%f,"p99_us":%f,"errors":%d}\n',
	    summary.requests, summary.duration / 1e6, latency:percentile(50),
	    latency:percentile(99),
	    all + e.connect + e.read + e.write + e.timeout))
end
