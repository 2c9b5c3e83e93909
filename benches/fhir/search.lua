-- GET Patient?identifier=system|value: one match
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local patients = tonumber(os.getenv("PATIENTS"))
function request()
  return wrk.format("GET", wrk.path .. "/Patient?identifier=urn:oid:2.999.6%7CB" .. next_number(patients), json)
end
