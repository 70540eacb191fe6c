-- What streaming consists of: one append to a channel that is known, with what it expects. Does
-- what `commit.lua` would do, to the byte; where there is more to it, or something against it, it
-- does nothing and answers nothing, and `commit.lua` is asked.
-- KEYS: head, records; frames. ARGV: field of the channel, numbers, identity of the server, node,
-- name of the channel, wake-up channel, records; frame.
local head, field = KEYS[1], ARGV[1]
local call, pack, unpack, text = redis.call, struct.pack, struct.unpack, string.format
-- Of the expected ones, -1 is none.
local now, span, ttl, max_records, max_bytes, known, count, size, fence, handovers, version, term,
  heard = unpack('>ddddddddddddd', ARGV[2])
if now < 0 then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local stored = call('HMGET', head, 's', field, 'c')
local session, packed, holder = stored[1], stored[2], stored[3]
if not session or not packed or string.sub(packed, 89) ~= ARGV[3] then return end
local _, _, used, fence_is, handovers_is, term_is, version_is, _, armed =
  unpack('>ddddddddd', session)
local epoch, base, tail, floor, replay, bytes, records, last, oldest, frames, kept =
  unpack('>ddddddddddd', packed)
if (fence >= 0 and fence ~= fence_is) or (handovers >= 0 and handovers ~= handovers_is)
  or (version >= 0 and (version ~= version_is or version == 0))
  or (term >= 0 and (term ~= term_is or (holder and holder ~= ARGV[4]))) then return end
local records_then, bytes_then = records + count, bytes + size
if used == 0 or known > tail or now + span - armed > span / 32
  or (records > 0 and last + ttl < now + 60000)
  or (records_then > max_records and (records <= max_records
    or records_then > max_records + math.max(max_records / 4, 10000)))
  or (bytes_then > max_bytes and (bytes <= max_bytes
    or bytes_then > max_bytes + math.max(max_bytes / 4, 16777216))) then return end
local frame = ARGV[8]
if frame and (kept < now + FRAME_TTL or frames + 1 - oldest >= FRAMES_MAX + 64
  or call('HEXISTS', KEYS[3], frame) == 1) then return end

local time = last > now and last or now
-- `%d` of a double is exact below 2^53 too, and cheaper.
call('XADD', KEYS[2], text('%d-%d', tail, count), 't', text('%d', time), 'd', ARGV[7])
if frame then
  call('HSET', KEYS[3], frame, pack('>ddddd', epoch, tail, count, time, frames),
    text('o%d', frames), frame)
  frames = frames + 1
end
call('HSET', head, field, pack('>ddddddddddd', epoch, base, tail + count, floor, replay,
  bytes_then, records_then, time, oldest, frames, kept) .. ARGV[3])
-- A hint that only its sender would hear is not given.
if heard == 0 or call('PUBSUB', 'SHARDNUMSUB', ARGV[6])[2] > 1 then
  call('SPUBLISH', ARGV[6], text('%s %d %s', ARGV[4], tail + count, ARGV[5]))
end
return pack('>ddd', epoch, tail, time)
