-- Moves the retention floor of a stream as long as `goes(seq, time, bytes, count)` says so.
local function move_floor(s, goes)
  local records, from, page_size = records_key(s.chan), '-', 1
  local floor, bytes, count, keep = s.floor, 0, 0, nil
  repeat
    local page = redis.call('XRANGE', records, from, '+', 'COUNT', page_size)
    for _, entry in ipairs(page) do
      local first, last = string.match(entry[1], '^(%d+)-(%d+)$')
      first = tonumber(first)
      for i = 0, tonumber(last) - 1 do
        if first + i >= s.floor then
          if not goes(first + i, tonumber(entry[2][2]), bytes, count) then
            keep = entry[1]
            break
          end
          floor = first + i + 1
          bytes = bytes + struct.unpack('>I4', entry[2][4], 4 * i + 1)
          count = count + 1
        end
      end
      if keep then break end
      from = '(' .. entry[1]
    end
    page_size = 32
  until keep or #page == 0
  if count == 0 then return 0 end
  if keep then
    redis.call('XTRIM', records, 'MINID', keep)
  else
    redis.call('XTRIM', records, 'MAXLEN', '0')
  end
  s.floor, s.replay = floor, math.max(s.replay, floor)
  s.bytes, s.count, s.changed = s.bytes - bytes, s.count - count, true
  if s.chan == 'in' then
    -- Where a Cluster has moved it already, it is not to stop what is half done.
    redis.pcall('ZREMRANGEBYSCORE', key('z'), '-inf', '(' .. text(floor))
  end
  return count
end

-- Retention: neither the newest record nor the first that is owed goes.
local function enforce(s, ttl, max_records, max_bytes)
  local stop = s.tail - 1
  if s.chan == 'in' then
    local owed = redis.call('ZRANGEBYSCORE', key('o'), text(s.floor), '+inf', 'LIMIT', 0, 1)[1]
    if owed then stop = math.min(stop, tonumber(owed)) end
  end
  return move_floor(s, function(seq, time, bytes, count)
    local asked = time + ttl < now or s.count - count > max_records or s.bytes - bytes > max_bytes
    return asked and seq < stop
  end)
end
