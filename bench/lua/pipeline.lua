-- wrk script: 16 requests in one write. `wrk -s pipeline.lua URL`
init = function(args)
  local parts = {}
  for index = 1, 16 do
    parts[index] = wrk.format("GET", "/")
  end
  batch = table.concat(parts)
end

request = function()
  return batch
end
