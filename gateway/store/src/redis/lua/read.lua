-- Batches of a stream. KEYS: head, records. ARGV: channel, from, most records, most bytes. Answers 1
-- where records are missing that nobody trimmed.
local packed = redis.call('HGET', KEYS[1], '=' .. ARGV[1])
if not packed then return {} end
local tail, floor = struct.unpack('>dd', packed, 17)
local from, most, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
from = math.max(from, floor)
if from >= tail then return {} end
local key = KEYS[2]
local within = redis.call('XREVRANGE', key, string.format('%.0f', from), '-', 'COUNT', 1)[1]
local start, found, bytes = within and within[1] or '-', 0, 0
local out, full = { string.format('%.0f', from) }, false
repeat
  local page = redis.call('XRANGE', key, start, '+', 'COUNT', math.min(64, most + 1))
  if start == '-' and (not page[1] or tonumber(string.match(page[1][1], '^%d+')) > from) then
    return 1
  end
  for _, entry in ipairs(page) do
    local first, count = string.match(entry[1], '^(%d+)-(%d+)$')
    for i = math.max(0, from - tonumber(first)), tonumber(count) - 1 do
      found = found + 1
      bytes = bytes + struct.unpack('>I4', entry[2][4], 4 * i + 1)
    end
    out[#out + 1], out[#out + 2] = first, count
    out[#out + 1], out[#out + 2] = entry[2][2], entry[2][4]
    start = '(' .. entry[1]
    full = found >= most or bytes > most_bytes
    if full then break end
  end
until full or #page == 0
return out
