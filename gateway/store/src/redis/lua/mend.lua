-- Something took records of a stream that nobody trimmed: a server that evicts, or a hand. They are
-- below the floor from now on, where readers are told so. ARGV 5: the channel. Answers how many.
local stored = redis.call('HMGET', head, 's', '=' .. ARGV[5])
if not stored[2] then return 0 end
local s = open_stream(open_session(stored[1]), ARGV[5], stored[2])
local records, from, floor, bytes, count = records_key(s.chan), '-', nil, 0, 0
repeat
  local page = redis.call('XRANGE', records, from, '+', 'COUNT', 64)
  for _, entry in ipairs(page) do
    local first, last = string.match(entry[1], '^(%d+)-(%d+)$')
    first = tonumber(first)
    floor = floor or math.max(first, s.floor)
    for i = math.max(0, floor - first), tonumber(last) - 1 do
      bytes = bytes + struct.unpack('>I4', entry[2][4], 4 * i + 1)
      count = count + 1
    end
    from = '(' .. entry[1]
  end
until #page == 0
floor = floor or s.tail
if floor == s.floor then return 0 end
local lost = s.count - count
s.floor, s.replay, s.bytes, s.count = floor, math.max(s.replay, floor), bytes, count
redis.call('HSET', head, '=' .. s.chan, pack_stream(s))
redis.call('PEXPIRE', records, text(span))
return lost
