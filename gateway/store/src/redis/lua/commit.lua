-- One commit: everything is checked, then everything is done. ARGV from 5 on: identity of the
-- server, node, retention (ttl, records, bytes), whether the node hears the session's hints, how
-- many reigns went before, and the operations, each led by its letter.
local server, node = ARGV[5], ARGV[6]
local ttl, max_records, max_bytes = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local ops, fields, places, owes = {}, { 's', 'c' }, {}, false

local at, last = 12, #ARGV
local ARITY = { A = 10, T = 3, B = 2, D = 2, R = 6, V = 1, F = 1, M = 1, H = 0 }
while at <= last do
  local op = { tag = ARGV[at], at = at }
  ops[#ops + 1] = op
  if op.tag == 'S' then
    op.count = tonumber(ARGV[at + 1])
    at = at + 2 + 2 * op.count
  else
    if op.tag == 'A' then
      op.chan, op.class, op.arg = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
      op.frame, op.owed, op.count = ARGV[at + 4], ARGV[at + 5] == '1', tonumber(ARGV[at + 6])
      owes = owes or op.owed
    end
    if (op.tag == 'A' or op.tag == 'T') and not places[ARGV[at + 1]] then
      fields[#fields + 1] = '=' .. ARGV[at + 1]
      places[ARGV[at + 1]] = #fields
    end
    at = at + 1 + ARITY[op.tag]
  end
end

local stored = redis.call('HMGET', head, unpack(fields))
local session = open_session(stored[1])
-- Every reign gives seqs of its own, so that what an earlier one gave and lost is not given again:
-- also where nobody knows any more that there was something.
local reigns = tonumber(ARGV[11])
local least = reigns * STRIDE
local streams = {}
for chan, place in pairs(places) do
  streams[chan] = open_stream(session, chan, stored[place])
end
local was_owed = session.owed > 0

-- A frame that was seen before gets its first answer again, and nothing else is done.
local seen = { 0 }
for _, op in ipairs(ops) do
  if op.tag == 'A' and op.frame ~= '' and streams[op.chan].known then
    local answer = redis.call('HGET', frames_key(op.chan), op.frame)
    if answer then
      local epoch, first, count, time, ordinal = struct.unpack('>ddddd', answer)
      if ordinal >= streams[op.chan].frames - FRAMES_MAX and time + FRAME_TTL > now then
        for _, value in ipairs({ epoch, first, count, time, 1, 0 }) do seen[#seen + 1] = value end
      end
    end
  end
end
if #seen > 1 then return seen end

do
  local fence, handovers = session.fence, session.handovers
  local version, owed = session.version, session.owed
  for _, op in ipairs(ops) do
    local tag, arg = op.tag, tonumber(ARGV[op.at + 1])
    if tag == 'A' then
      if (op.class == 'r' and op.arg ~= fence) or (op.class == 'g' and op.arg ~= handovers) then
        return { 1, fence }
      end
      if op.class == 'b' then fence = next_fence(fence, reigns) end
      local large = tonumber(ARGV[op.at + 8])
      if large > 0 then return { 4, large } end
      if op.owed then
        local most = OWED_MAX
        if op.class == 'b' or op.class == 'w' then most = OWED_MAX + OWED_SIGNALS_MAX end
        if owed + op.count > most then return { 5, owed } end
        owed = owed + op.count
      end
    elseif tag == 'S' then
      for i = 0, owes and op.count - 1 or -1 do
        if redis.call('ZSCORE', key('o'), ARGV[op.at + 2 + 2 * i]) then owed = owed - 1 end
      end
    elseif tag == 'R' then
      if arg ~= version then return { 2, version } end
      version = version + 1
    elseif tag == 'V' then
      if version == 0 or arg ~= version then return { 2, version } end
    elseif tag == 'F' then
      if arg ~= fence then return { 1, fence } end
    elseif tag == 'M' then
      -- The holder counts too: a server that lost a claim may have given its term again.
      if arg ~= session.term or (stored[2] and stored[2] ~= node) then
        return { 3, session.term }
      end
    elseif tag == 'H' then
      handovers = handovers + 1
    end
  end
end

local answer, hints, drop_lease = { 0 }, {}, false

local function remember_frame(s, op, first, time)
  local frames = frames_key(s.chan)
  redis.call('HSET', frames, op.frame,
    struct.pack('>ddddd', s.epoch, first, op.count, time, s.frames),
    'o' .. text(s.frames), op.frame)
  s.frames = s.frames + 1
  if s.kept < now + FRAME_TTL then
    s.kept = now + 2 * FRAME_TTL
    redis.call('PEXPIRE', frames, text(2 * FRAME_TTL))
  end
  if s.frames - s.oldest < FRAMES_MAX + 64 then return end
  local gone = {}
  for i = s.oldest, s.oldest + 63 do gone[#gone + 1] = 'o' .. text(i) end
  for i, frame in ipairs(redis.call('HMGET', frames, unpack(gone))) do
    local answered = frame and redis.call('HGET', frames, frame)
    -- The key may have been given a newer answer since.
    if answered and struct.unpack('>d', answered, 33) < s.oldest + 64 then
      gone[#gone + 1] = frame
    end
  end
  redis.call('HDEL', frames, unpack(gone))
  s.oldest = s.oldest + 64
end

-- Data may be lost if another server holds the stream than the one that was written last, and is if
-- its tail is below one that was seen.
local function new_epoch(s, known)
  local is_other = s.server ~= server and (s.server ~= '' or s.tail < least)
  if is_other or known > s.tail then
    local above = math.max(s.tail, known)
    -- Where an epoch was lost whole, what it held at least: a leap between epochs is no record.
    local is_same = math.floor(known / STRIDE) == math.floor(s.tail / STRIDE)
    s.lost = known <= s.tail and 0 or is_same and known - s.tail or known % STRIDE
    s.epoch = math.max(s.epoch + 1, reigns)
    s.base = above < least and least or above + STRIDE
    s.tail = s.base
    session.epoch, session.base = math.max(session.epoch, s.epoch), math.max(session.base, s.base)
    session.changed = true
    if s.count == 0 then s.floor, s.replay = s.base, s.base end
  end
  s.server = server
end

local function append(op)
  if op.class == 'b' then
    session.fence = next_fence(session.fence, reigns)
    session.changed, drop_lease = true, true
  end
  local s, records = streams[op.chan], records_key(op.chan)
  local time = math.max(now, s.last)
  if op.count == 0 then
    for _, value in ipairs({ s.epoch, s.tail, 0, time, 0, 0 }) do answer[#answer + 1] = value end
    return
  end
  s.lost = 0
  new_epoch(s, tonumber(ARGV[op.at + 9]))
  local first, bytes = s.tail, tonumber(ARGV[op.at + 7])
  if not s.known then redis.call('DEL', records, frames_key(op.chan)) end
  redis.call('XADD', records, text(first) .. '-' .. op.count, 't', text(time), 'd',
    ARGV[op.at + 10])
  if not s.known then redis.call('PEXPIRE', records, text(span)) end
  -- The sweep is to look at it: a bound was crossed, or what was the newest record is old.
  local crossed = (s.count <= max_records and s.count + op.count > max_records)
    or (s.bytes <= max_bytes and s.bytes + bytes > max_bytes)
    or (s.count > 0 and s.last + ttl < now + 60000)
  s.tail, s.bytes, s.count = first + op.count, s.bytes + bytes, s.count + op.count
  s.last, s.changed, s.known = time, true, true
  if op.frame ~= '' then remember_frame(s, op, first, time) end
  if op.owed then
    local marks = {}
    for seq = first, s.tail - 1 do
      marks[#marks + 1], marks[#marks + 2] = text(seq), text(seq)
    end
    redis.call('ZADD', key('o'), unpack(marks))
    if session.owed == 0 then redis.call('PEXPIRE', key('o'), text(span)) end
    session.owed, session.changed = session.owed + op.count, true
  end
  if crossed then redis.call('ZADD', base .. 'a', 0, name) end
  if s.count > max_records + math.max(max_records / 4, 10000)
    or s.bytes > max_bytes + math.max(max_bytes / 4, 16777216) then
    -- It can't be refused any more; what a Cluster moves just now is left to the sweep.
    pcall(enforce, s, ttl, max_records, max_bytes)
  end
  for _, value in ipairs({ s.epoch, first, op.count, time, 0, s.lost }) do
    answer[#answer + 1] = value
  end
  hints[#hints + 1] = node .. ' ' .. text(s.tail) .. ' ' .. op.chan
end

local function settle(op)
  local s = streams['in'] or open_stream(session, 'in', redis.call('HGET', head, '=in'))
  streams['in'] = s
  for i = 0, op.count - 1 do
    local seq, fate = ARGV[op.at + 2 + 2 * i], ARGV[op.at + 3 + 2 * i]
    local was = redis.call('ZREM', key('o'), seq) == 1
    if was then session.owed, session.changed = session.owed - 1, true end
    local number = tonumber(seq)
    if s.known and number >= s.floor and number < s.tail
      and (was or redis.call('ZCOUNT', key('z'), seq, seq) == 0) then
      redis.call('ZADD', key('z'), seq, fate)
    end
  end
  redis.call('PEXPIRE', key('z'), text(span))
end

local function trim(op)
  local s, floor, to = streams[ARGV[op.at + 1]], ARGV[op.at + 2], tonumber(ARGV[op.at + 3])
  if not s.known then return end
  if floor == 'p' then
    s.replay, s.changed = math.max(s.replay, math.min(to, s.tail)), true
  else
    move_floor(s, function(seq) return seq < to end)
  end
end

local function put_blob(op)
  redis.call('HSET', key('b'), ARGV[op.at + 1], ARGV[op.at + 2])
  redis.call('ZADD', key('n'), 0, ARGV[op.at + 1])
  redis.call('PEXPIRE', key('b'), text(span))
  redis.call('PEXPIRE', key('n'), text(span))
end

local function delete_blobs(op)
  local prefix, from = ARGV[op.at + 1], ARGV[op.at + 2]
  if from < prefix then from = prefix end
  repeat
    local names = redis.call('ZRANGEBYLEX', key('n'), '[' .. from, '(' .. prefix .. '\255',
      'LIMIT', 0, 1000)
    if #names > 0 then
      redis.call('HDEL', key('b'), unpack(names))
      redis.call('ZREM', key('n'), unpack(names))
    end
  until #names < 1000
end

-- Operands: expected version, row, place in the listing, friendly id, closed at, expires at (-1:
-- never). The indexes that it is in are remembered beside it.
local function put_row(op)
  local place, id, closed, expires = ARGV[op.at + 3], ARGV[op.at + 4], ARGV[op.at + 5],
    ARGV[op.at + 6]
  local old = redis.call('HGET', head, 'x')
  if old ~= place then
    if old then
      redis.call('ZREM', base .. 'l', old)
      redis.call('HDEL', base .. 'i', string.match(old, '^%x+%.([^%z]*)'))
    end
    redis.call('ZADD', base .. 'l', 0, place)
    redis.call('HSET', base .. 'i', id, name)
  end
  redis.call('ZREM', base .. 'd', name)
  redis.call('ZREM', base .. 'x', name)
  if closed ~= '-1' then
    redis.call('ZADD', base .. 'd', closed, name)
  elseif expires ~= '-1' then
    redis.call('ZADD', base .. 'x', expires, name)
  end
  session.version, session.changed = session.version + 1, true
  redis.call('HSET', head, 'r', ARGV[op.at + 2], 'x', place)
end

local DO = { A = append, S = settle, T = trim, B = put_blob, D = delete_blobs, R = put_row }
function DO.H()
  session.handovers, session.changed = session.handovers + 1, true
end
for _, op in ipairs(ops) do
  local apply = DO[op.tag]
  if apply then apply(op) end
end

if session.used == 0 then
  session.used, session.changed = 1, true
  redis.call('ZADD', base .. 'a', 'LT', text(math.min(now + ttl - 60000, now + 3600000)), name)
end
local arming = is_arm_due(session)
if arming then session.armed, session.changed = now + span, true end
local write = {}
if session.changed then write[1], write[2] = 's', pack_session(session) end
for chan, s in pairs(streams) do
  if s.changed then
    write[#write + 1], write[#write + 2] = '=' .. chan, pack_stream(s)
  end
end
if #write > 0 then redis.call('HSET', head, unpack(write)) end
if drop_lease then redis.call('HDEL', head, 'l') end
if was_owed and session.owed == 0 then
  redis.call('ZREM', base .. 'o', name)
elseif not was_owed and session.owed > 0 then
  redis.call('ZADD', base .. 'o', 0, name)
end
if arming then arm(session) end
-- A hint that only its sender would hear is not given.
if #hints > 0 and (ARGV[10] == '0' or redis.call('PUBSUB', 'SHARDNUMSUB', key('w'))[2] > 1) then
  for _, hint in ipairs(hints) do
    redis.call('SPUBLISH', key('w'), hint)
  end
end
return answer
