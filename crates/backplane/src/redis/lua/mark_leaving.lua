-- room, member, connection, grace in milliseconds, announcement -> whether it is there
local room, member, connection, grace, announcement = unpack(ARGV)

return let_leave(room, member, tonumber(connection), tonumber(grace), announcement) and 1 or 0
