-- room, member, connection, announcement -> record and how many are left, or nothing
local room, member, connection, announcement = unpack(ARGV)

local record = held_by(room, member, tonumber(connection))
if not record then
  return false
end
local count = stand_up(room, member)
tell_count(room, count, announcement)
return {record, count}
