-- room, key, payload -> epoch, offset and time of the first entry under the key and whether that was before; or nothing when the room is gone
local room, once_key, payload = unpack(ARGV)

if not exists(room) then
  return false
end
prune_keys(room)
local answers, order = part(room, 'once'), part(room, 'order')
local first = redis.call('HGET', answers, once_key)
if first then
  local offset, at = string.match(first, '^(%d+) (%d+)$')
  return {redis.call('HGET', part(room, 'state'), 'epoch'), offset, at, 1}
end
local appended = write(room, payload)
redis.call('HSET', answers, once_key, appended[2] .. ' ' .. appended[3])
if redis.call('RPUSH', order, once_key) > ONCE_KEYS then
  forget_oldest_key(room)
end
redis.call('PEXPIRE', answers, LOG_AGE_MS)
redis.call('PEXPIRE', order, LOG_AGE_MS)
appended[4] = 0
return appended
