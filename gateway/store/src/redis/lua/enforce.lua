-- Retention of one session. ARGV from 5 on: ttl, records, bytes.
local stored = redis.call('HGETALL', head)
if #stored == 0 then
  for _, index in ipairs({ 'o', 'x', 'd', 'a' }) do
    redis.call('ZREM', base .. index, name)
  end
  redis.call('HDEL', base .. 'k', name)
  return 0
end
local ttl, max_records, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local fields = {}
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local session = open_session(fields.s)
local dropped, due = 0, now + 3600000
for field, packed in pairs(fields) do
  if string.sub(field, 1, 1) == '=' then
    local s = open_stream(session, string.sub(field, 2), packed)
    dropped = dropped + enforce(s, ttl, max_records, max_bytes)
    if s.changed then
      redis.call('HSET', head, field, pack_stream(s))
    end
    if s.count > max_records or s.bytes > max_bytes then due = 0 end
    local oldest = redis.call('XRANGE', records_key(s.chan), '-', '+', 'COUNT', 1)[1]
    if oldest and s.count > 1 then
      due = math.min(due, tonumber(oldest[2][2]) + ttl - 60000)
    end
  end
end
redis.call('ZADD', base .. 'a', text(math.max(due, 0)), name)
if is_arm_due(session) then
  arm(session)
  redis.call('HSET', head, 's', pack_session(session))
end
return dropped
