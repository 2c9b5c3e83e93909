-- GET Patient/ID
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local patients = tonumber(os.getenv("PATIENTS"))
function request() return wrk.format("GET", wrk.path .. "/Patient/p" .. next_number(patients), json) end
