-- kind, member -> the room it is in and its record there, or nothing
local kind, member = unpack(ARGV)

local room = redis.call('HGET', key('places', kind), member)
return room and {room, redis.call('HGET', part(room, 'members'), member)}
