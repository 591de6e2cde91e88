-- kind, capacity, epoch of a new room, member, record, preferred room or nothing, announcement
-- -> whether it is a newcomer, and how the room stands
local kind, capacity, epoch, member, record, prefer, announcement = unpack(ARGV)

local function choose()
  local space = key('space', kind)
  if prefer ~= '' and redis.call('ZSCORE', space, prefer) then
    return prefer
  end
  return redis.call('ZREVRANGE', space, 0, 0)[1] or kind .. '-' .. digits(redis.call('INCR', key('last')))
end

local present = redis.call('HGET', key('places', kind), member)
local room = present or choose()
sit(room, capacity, epoch, member, record)
if not present then
  tell_count(room, count_of(room), announcement)
end
return {present and 0 or 1, standing(room)}
