-- GET Task?owner=Organization/ID&status=requested: about four matches, whatever the size of the store
dofile(os.getenv("SCRIPTS") .. "/report.lua")
local owners = tonumber(os.getenv("OWNERS"))
function request()
  return wrk.format("GET", wrk.path .. "/Task?owner=Organization/o" .. next_number(owners) .. "&status=requested", json)
end
