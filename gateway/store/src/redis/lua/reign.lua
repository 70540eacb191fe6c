-- A gateway meets the primary. KEYS: reigns. ARGV: identity of this reign, the least number that it
-- may have; the last one that the gateway knows, and its number (-1: none). Answers this one's
-- number: higher than that of any reign before, though servers forget some of them.
local stored = redis.call('HMGET', KEYS[1], 'id', 'number')
local number, least, known = tonumber(stored[2]) or -1, tonumber(ARGV[2]), tonumber(ARGV[4])
local is_known = stored[1] == ARGV[1] and (known < number or ARGV[3] == ARGV[1])
if not is_known or number < least then
  number = math.max(number + 1, known + 1, least)
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'number', string.format('%.0f', number))
end
return number
