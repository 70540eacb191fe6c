-- A gateway meets the primary. KEYS: reigns. ARGV: identity of this reign; the last one that the
-- gateway knows, and its number (-1: none). Answers this one's number: higher than that of any
-- reign before, though servers forget some of them.
local stored = redis.call('HMGET', KEYS[1], 'id', 'number')
local number, known = tonumber(stored[2]), tonumber(ARGV[3])
local mine = stored[1] == ARGV[1] and (known < number or ARGV[2] == ARGV[1])
if not mine then
  number = math.max(number or -1, known) + 1
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'number', string.format('%.0f', number))
end
return number
