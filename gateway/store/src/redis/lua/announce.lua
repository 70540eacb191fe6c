-- A gateway says something new of itself. KEYS: members, rosters. ARGV: node, its version of the
-- roster, roster, channel for news, '1' if it hears messages.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now, ARGV[2], ARGV[5]))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], KEEP)
redis.call('PEXPIRE', KEYS[2], KEEP)
redis.call('SPUBLISH', ARGV[4], ARGV[1])
return 1
