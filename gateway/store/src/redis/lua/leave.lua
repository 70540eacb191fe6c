-- A gateway leaves. KEYS: members, rosters. ARGV: node, channel for news.
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SPUBLISH', ARGV[2], ARGV[1])
return 1
