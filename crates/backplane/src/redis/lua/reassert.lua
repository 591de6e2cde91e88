-- room, capacity, epoch of a new room, member, record; and again for each member -> how their rooms stand
local seated = {}
for at = 1, #ARGV, 5 do
  local claimed, capacity, epoch, member, record = unpack(ARGV, at, at + 4)
  -- Where a member already sits wins over where its gateway remembers it: it may have moved meanwhile.
  local room = redis.call('HGET', key('places', kind_of(claimed)), member) or claimed
  local number = tonumber(string.match(claimed, '%d+$'))
  if number > tonumber(redis.call('GET', key('last')) or 0) then
    redis.call('SET', key('last'), digits(number))
  end
  sit(room, capacity, epoch, member, record)
  seated[#seated + 1] = standing(room)
end
return seated
