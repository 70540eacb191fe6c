-- Every key: its name, ms that it lives (-1: for ever), bytes, and whom an index names.
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local names, index = {}, string.match(key, '}:(%l)$')
  if index == 'i' then
    names = redis.call('HVALS', key)
  elseif index == 'k' then
    names = redis.call('HKEYS', key)
  elseif index then
    names = redis.call('ZRANGE', key, 0, -1)
  end
  out[#out + 1] = { key, redis.call('PTTL', key),
    redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0), names }
end
return out
