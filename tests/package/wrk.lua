-- wrk: post the example's request; at the end say how many answers were neither
-- right nor a refusal (503).
local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init()
	local file = assert(io.open(
	    "/usr/share/doc/clinferd/examples/digit.json", "rb"))
	wrk.method = "POST"
	wrk.body = file:read("*a")
	wrk.headers["Content-Type"] = "application/json"
	file:close()
	wrong = 0
	refused = 0
end

function response(status, headers, body)
	if status == 503 then
		refused = refused + 1
	elseif status ~= 200 or not body:find('"data":[2]', 1, true) then
		wrong = wrong + 1
	end
end

function done(summary)
	local all, unavailable = 0, 0
	for _, thread in ipairs(threads) do
		all = all + thread:get("wrong")
		unavailable = unavailable + thread:get("refused")
	end
	io.write(string.format("wrong=%d\nunavailable=%d\n", all, unavailable))
end
