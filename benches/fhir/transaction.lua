-- POST a transaction of 10: a Patient and nine Observations that name it by urn:uuid
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local patient = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
local parts = {}
for i = 1, 9 do
  parts[i] = ',{"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e30094500' .. i ..
    '","resource":{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},"subject":{"reference":"' ..
    patient .. '"},"effectiveDateTime":"2026-01-0' .. i .. 'T08:00:00Z","valueQuantity":{"value":13.' .. i ..
    ',"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}},"request":{"method":"POST","url":"Observation"}}'
end
local tail = table.concat(parts) .. "]}"
local n = 0
function request()
  n = n + 1
  return wrk.format("POST", wrk.path, json, '{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"' .. patient ..
    '","resource":{"resourceType":"Patient","identifier":[{"system":"urn:oid:2.999.6","value":"' .. run_tag .. "-T" .. n ..
    '"}],"name":[{"family":"Bundle","given":["Nine"]}],"gender":"female","birthDate":"1980-01-01"},"request":{"method":"POST","url":"Patient"}}' .. tail)
end
