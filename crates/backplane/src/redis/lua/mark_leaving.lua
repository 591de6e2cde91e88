-- room, member, connection, grace in milliseconds, announcement -> whether it is there
local room, member, connection, grace, announcement = unpack(ARGV)

if not held_by(room, member, tonumber(connection)) then
  return 0
end
if redis.call('HSETNX', part(room, 'words'), member, announcement) == 1 then
  redis.call('ZADD', key('leaving', kind_of(room)), digits(now_ms() + grace), room .. '\n' .. member)
end
return 1
