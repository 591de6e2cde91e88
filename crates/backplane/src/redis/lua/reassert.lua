-- announcement; then room, capacity, epoch of a new room, member, record for each member -> how their rooms stand
local announcement = ARGV[1]

local seated, counts = {}, {}
for at = 2, #ARGV, 5 do
  local claimed, capacity, epoch, member, record = unpack(ARGV, at, at + 4)
  -- Where a member already sits wins over where its gateway remembers it: it may have moved meanwhile.
  local room = redis.call('HGET', key('places', kind_of(claimed)), member) or claimed
  local number = tonumber(string.match(claimed, '%d+$'))
  if number > tonumber(redis.call('GET', key('last')) or 0) then
    redis.call('SET', key('last'), digits(number))
  end
  counts[room] = counts[room] or count_of(room)
  sit(room, capacity, epoch, member, record)
  seated[#seated + 1] = room
end
-- How they stand when all are seated; a room that has more than before is told so once.
local standings = {}
for at, room in ipairs(seated) do
  standings[at] = standing(room)
  local count = count_of(room)
  if counts[room] ~= count then
    counts[room] = count
    tell_count(room, count, announcement)
  end
end
return standings
