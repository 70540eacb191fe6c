-- Lets time pass for what belongs to sessions. ARGV: ms.
for _, key in ipairs(redis.call('KEYS', 'tg:{dev:*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then
    redis.call('PEXPIRE', key, math.max(0, left - ARGV[1]))
  end
end
return 1
