-- Takes, renews or gives up the lease. ARGV from 5 on: 't' or 'r', holder, ttl, and how many reigns
-- went before.
local stored = redis.call('HMGET', head, 's', 'l')
local session = open_session(stored[1])
local wants, holder, ttl = ARGV[5], ARGV[6], tonumber(ARGV[7])
local ends, held_by = nil, nil
if stored[2] then
  ends, held_by = string.match(stored[2], '^(%d+) (.*)$')
  if held_by ~= holder and tonumber(ends) > now then return { 1, ends, held_by } end
end
if wants == 'r' then
  if held_by == holder then redis.call('HDEL', head, 'l') end
  return { 0, session.fence, text(now) }
end
if held_by ~= holder then session.fence = next_fence(session.fence, tonumber(ARGV[8])) end
redis.call('HSET', head, 's', pack_session(session), 'l', text(now + ttl) .. ' ' .. holder)
if not stored[1] then redis.call('PEXPIRE', head, text(span)) end
return { 0, session.fence, text(now + ttl) }
