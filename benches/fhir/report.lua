-- What every script here does at its end: one line of JSON with the figures that wrk has.
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"per_s":%.3f,"ms_p50":%.4f,"ms_p99":%.4f,"bytes":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.bytes, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

-- Numbers below COUNT, spread evenly: a prime step walks through all of them.
local step = 7919
local at = tonumber(os.getenv("FIRST") or "0")
function next_number(count)
  at = (at + step) % count
  return at
end

-- A word no other run has used.
run_tag = os.getenv("TAG") or tostring(os.time())

json = { ["Content-Type"] = "application/fhir+json", ["Accept"] = "application/fhir+json" }
