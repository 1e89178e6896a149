-- wrk's requests: POST of one body with the headers MCP clients send and the tokens of a file in turn.
-- usage: wrk -s load.lua URL -- TOKENS COUNT BODY      COUNT: how many of the tokens, 0 for all

local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  local tokens, count = {}, tonumber(args[2])
  for line in io.lines(args[1]) do
    tokens[#tokens + 1] = line
    if #tokens == count then break end
  end
  local file = assert(io.open(args[3], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  file:close()
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json, text/event-stream"
  wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
  wrk.headers["User-Agent"] = "mcp-client/1.0"
  wrk.headers["X-Authorization"] = "Bearer " .. tokens[1]
  -- Without `request`, wrk sends the same bytes each time and spends nothing on them.
  if #tokens == 1 then return end
  local whole = wrk.format()
  local from, to = whole:find(tokens[1], 1, true)
  local head, tail = whole:sub(1, from - 1), whole:sub(to + 1)
  -- Each thread has a part of the file to itself until it comes round.
  local at = id * math.floor(#tokens / 2)
  request = function()
    at = at % #tokens + 1
    return head .. tokens[at] .. tail
  end
end

-- One line: requests, seconds, p50 and p99 in µs, answers other than 2xx, failures of the connection.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %.6f %d %d %d %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
