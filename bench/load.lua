-- Reads prepared posts (path TAB cookies TAB body) when given, and prints one line of
-- figures.
local posts, at

function init(args)
  if args[1] then
    posts, at = {}, 0
    local skip = tonumber(args[2]) or 0
    for line in io.lines(args[1]) do
      if skip > 0 then
        skip = skip - 1
      else
        posts[#posts + 1] = line
      end
    end
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
end

function request()
  if not posts then
    return wrk.format()
  end
  at = at + 1
  local line = posts[at]
  if not line then
    return wrk.format("GET", "/out-of-prepared-posts")
  end
  local path, cookies, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
  wrk.headers["Cookie"] = cookies
  return wrk.format("POST", path, nil, body)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'LOAD {"requests":%d,"seconds":%.6f,"bytes":%d,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
