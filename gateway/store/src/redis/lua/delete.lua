-- Drops a session; what remains is where its streams go on (R-REC-1).
local stored = redis.call('HGETALL', head)
if #stored == 0 then return 0 end
local fields = {}
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local session = open_session(fields.s)
redis.call('HDEL', head, 'l')
if fields.c then
  session.term = session.term + 1
  redis.call('HDEL', base .. 'k', name)
  redis.call('HDEL', head, 'c')
  redis.call('HSET', head, 's', pack_session(session))
end
if session.used == 0 then return 0 end
local highest, epoch = session.base, session.epoch
for field, packed in pairs(fields) do
  if string.sub(field, 1, 1) == '=' then
    local s = open_stream(session, string.sub(field, 2), packed)
    highest, epoch = math.max(highest, s.tail), math.max(epoch, s.epoch)
    redis.call('UNLINK', records_key(s.chan), frames_key(s.chan))
  end
end
if fields.x then
  redis.call('ZREM', base .. 'l', fields.x)
  redis.call('HDEL', base .. 'i', string.match(fields.x, '^%x+%.([^%z]*)'))
end
for _, index in ipairs({ 'o', 'x', 'd', 'a' }) do
  redis.call('ZREM', base .. index, name)
end
redis.call('UNLINK', head, key('o'), key('z'), key('b'), key('n'))
redis.call('HSET', head, 's', pack_session({ epoch = epoch + 1, base = highest + STRIDE, used = 0,
  fence = session.fence + 1, handovers = session.handovers + 1, term = session.term + 1,
  version = 0, owed = 0, armed = 0 }))
redis.call('PEXPIRE', head, text(span))
return 1
