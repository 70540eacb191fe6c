-- Shared by the scripts that change a session. ARGV: base, name, now ('' = the server's), span.
local base, name, head = ARGV[1], ARGV[2], KEYS[1]
local now, span = tonumber(ARGV[3]), tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function key(kind)
  return base .. kind .. ':' .. name
end

-- Every reign gives fences of its own, so that none is given to two runs, though the first was lost.
local function next_fence(fence, reigns)
  return math.max(fence + 1, reigns * FENCES)
end

-- Numbers are doubles, exact below 2^53; their plain form would be rounded.
local function text(number)
  return string.format('%.0f', number)
end

local function open_session(packed)
  local s = { epoch = 0, base = 0, used = 0, fence = 0, handovers = 0, term = 0, version = 0,
    owed = 0, armed = 0 }
  if packed then
    s.epoch, s.base, s.used, s.fence, s.handovers, s.term, s.version, s.owed, s.armed =
      struct.unpack('>ddddddddd', packed)
  end
  return s
end

local function pack_session(s)
  return struct.pack('>ddddddddd', s.epoch, s.base, s.used, s.fence, s.handovers, s.term,
    s.version, s.owed, s.armed)
end

local function open_stream(session, chan, packed)
  local s = { chan = chan, known = packed, server = '' }
  if packed then
    s.epoch, s.base, s.tail, s.floor, s.replay, s.bytes, s.count, s.last, s.oldest, s.frames,
      s.kept = struct.unpack('>ddddddddddd', packed)
    s.server = string.sub(packed, 89)
    return s
  end
  s.epoch, s.base, s.tail, s.floor, s.replay = session.epoch, session.base, session.base,
    session.base, session.base
  s.bytes, s.count, s.last, s.oldest, s.frames, s.kept = 0, 0, 0, 0, 0, 0
  return s
end

local function pack_stream(s)
  return struct.pack('>ddddddddddd', s.epoch, s.base, s.tail, s.floor, s.replay, s.bytes,
    s.count, s.last, s.oldest, s.frames, s.kept) .. s.server
end

local function records_key(chan)
  return base .. 'r:' .. chan .. ':' .. name
end

local function frames_key(chan)
  return base .. 'f:' .. chan .. ':' .. name
end

-- Every key of the session lives for another span. One that a Cluster has moved already is left out:
-- there is time enough to renew it later.
local function arm(session)
  session.armed = now + span
  for _, field in ipairs(redis.call('HKEYS', head)) do
    if string.sub(field, 1, 1) == '=' then
      redis.pcall('PEXPIRE', records_key(string.sub(field, 2)), text(span))
    end
  end
  for _, kind in ipairs({ 'h', 'o', 'z', 'b', 'n' }) do
    redis.pcall('PEXPIRE', key(kind), text(span))
  end
end

local function is_arm_due(session)
  return now + span - session.armed > span / 32
end
