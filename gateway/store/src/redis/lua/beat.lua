-- A gateway says that it is alive, and hears who else is. KEYS: members, rosters. ARGV: node, what
-- the names of message channels start with, channel for news, '1' if it may judge others, '1' if it
-- hears messages.
local members, rosters, node = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function parse(value)
  local beat, version, hears = string.match(value, '^(%d+) (%d+) ([01])$')
  return tonumber(beat), version, hears == '1'
end

local function is_heard(name)
  return redis.call('PUBSUB', 'SHARDNUMSUB', ARGV[2] .. name)[2] > 0
end

local late, version = -1, '0'
local mine = redis.call('HGET', members, node)
if mine then
  local beat
  beat, version = parse(mine)
  late = math.max(0, now - beat)
end
redis.call('HSET', members, node, string.format('%.0f %s %s', now, version, ARGV[5]))
redis.call('PEXPIRE', members, KEEP)
redis.call('PEXPIRE', rosters, KEEP)

-- Whoever was away itself can't tell who else was: perhaps nobody could beat.
local judges = ARGV[4] == '1' and late >= 0 and late <= SILENT
local out, gone = { late, version }, {}
local all = redis.call('HGETALL', members)
for i = 1, #all, 2 do
  local name = all[i]
  if name ~= node then
    local beat, announced, hears = parse(all[i + 1])
    local age = now - beat
    -- Its connections break together when its process ends; one that said that it hears nothing
    -- may be there all the same.
    if judges and (age > GONE or (age > SILENT and hears and not is_heard(name))) then
      gone[#gone + 1] = name
    else
      out[#out + 1], out[#out + 2] = name, announced
    end
  end
end
if #gone > 0 then
  redis.call('HDEL', members, unpack(gone))
  redis.call('HDEL', rosters, unpack(gone))
  redis.call('SPUBLISH', ARGV[3], node)
end
return out
