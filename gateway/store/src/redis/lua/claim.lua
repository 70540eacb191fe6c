-- Claims a session. ARGV from 5 on: node, the dead holder whose claim may be taken ('' for none).
local stored = redis.call('HMGET', head, 's', 'c')
local session = open_session(stored[1])
local node, dead, holder = ARGV[5], ARGV[6], stored[2]
if holder == node then return { 1, text(session.term) } end
if holder and holder ~= dead then return { 0, holder } end
session.term = session.term + 1
redis.call('HSET', head, 's', pack_session(session), 'c', node)
if not stored[1] then redis.call('PEXPIRE', head, text(span)) end
redis.call('HSET', base .. 'k', name, node)
-- Once the head has expired, the sweep finds that the claim has no session any more.
redis.call('ZADD', base .. 'a', 'NX', text(now + span + 60000), name)
return { 1, text(session.term) }
