-- kind, limit -> for each member taken out its room, id, record and how many are left
local kind, limit = unpack(ARGV)

local due = redis.call('ZRANGEBYSCORE', key('leaving', kind), '-inf', digits(now_ms()), 'LIMIT', 0, limit)
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
