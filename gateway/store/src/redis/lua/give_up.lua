-- Gives up a claim. ARGV from 5 on: node, term, '1' if only what owes nothing is given up.
local stored = redis.call('HMGET', head, 's', 'c')
local session = open_session(stored[1])
if stored[2] ~= ARGV[5] or session.term ~= tonumber(ARGV[6]) then return 1 end
if ARGV[7] == '1' and session.owed > 0 then return 0 end
redis.call('HDEL', head, 'c')
redis.call('HDEL', base .. 'k', name)
return 1
