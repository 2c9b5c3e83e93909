-- PUT Patient/ID: a new version each time
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local patients = tonumber(os.getenv("PATIENTS"))
local n = 0
function request()
  n = n + 1
  local id = next_number(patients)
  return wrk.format("PUT", wrk.path .. "/Patient/p" .. id, json, '{"resourceType":"Patient","id":"p' .. id ..
    '","active":true,"identifier":[{"system":"urn:oid:2.999.6","value":"B' .. id .. '"}],"name":[{"use":"official","family":"Bench' .. (id % 997) ..
    '","given":["Peter","James"]}],"telecom":[{"system":"phone","value":"' .. run_tag .. " " .. n .. '","use":"work"}],"gender":"male","birthDate":"1974-12-25"}')
end
