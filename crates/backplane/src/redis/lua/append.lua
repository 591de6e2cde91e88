-- room, payload -> epoch, offset and time, or nothing when the room is gone
local room, payload = unpack(ARGV)

return exists(room) and write(room, payload)
