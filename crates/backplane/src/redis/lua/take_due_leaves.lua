-- kind, limit -> for each member taken out its room, id, record and how many are left
local kind, limit = unpack(ARGV)

local leaving, now = key('leaving', kind), now_ms()

local due = redis.call('ZRANGEBYSCORE', leaving, '-inf', digits(now), 'LIMIT', 0, limit)
if #due == 0 then
  -- No grace is longer than the longest: of these the clock was set back.
  due = redis.call('ZRANGEBYSCORE', leaving, digits(now + LONGEST_GRACE_MS + 1), '+inf', 'LIMIT', 0, limit)
end
local gone = {}
for _, place in ipairs(due) do
  local room, member = string.match(place, '^(.-)\n(.*)$')
  local record = redis.call('HGET', part(room, 'members'), member)
  local words = redis.call('HGET', part(room, 'words'), member)
  local count = stand_up(room, member)
  tell_count(room, count, words)
  gone[#gone + 1] = {room, member, record, count}
end
return gone
