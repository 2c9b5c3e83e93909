-- POST Patient with an identifier of its own; the answer carries the resource
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local n = 0
function request()
  n = n + 1
  return wrk.format("POST", wrk.path .. "/Patient", json, '{"resourceType":"Patient","active":true,"identifier":[{"system":"urn:oid:2.999.6","value":"' ..
    run_tag .. "-" .. n .. '"}],"name":[{"use":"official","family":"Bench' .. (n % 997) ..
    '","given":["Peter","James"]}],"telecom":[{"system":"phone","value":"(03) 5555 6473","use":"work"}],"gender":"male","birthDate":"19' ..
    string.format("%02d", n % 100) .. '-12-25","address":[{"use":"home","line":["534 Erewhon St"],"city":"PleasantVille","state":"Vic","postalCode":"3999"}]}')
end
