-- What the scripts about rooms share. The kind of a room is the part of its name before the hyphen.
--
--   rooms:KIND            set: every room
--   space:KIND            sorted set: rooms with space, by how many are in them
--   places:KIND           hash: member -> the room it is in
--   gateways:KIND         hash: gateway -> how many members it holds
--   leaving:KIND          sorted set: "room LF member" by when it is due to leave
--   last                  the highest number given to a room
--   room:NAME:state       hash: epoch, head, capacity
--   room:NAME:members     hash: member -> record, which begins with the connection's number
--   room:NAME:words       hash: member -> what is to be said when it leaves
--   room:NAME:log         list: entries, each "time LF payload"; the last one is number `head`
--   room:NAME:once        hash: key -> "offset time"
--   room:NAME:order       list: the keys of `once`, oldest first

local function part(room, name)
  return key('room', room, name)
end

local function kind_of(room)
  return string.match(room, '^(.*)-')
end

local function exists(room)
  return redis.call('EXISTS', part(room, 'state')) == 1
end

local function connection_of(record)
  return tonumber(string.match(record, '^%d+'))
end

local function gateway_of(record)
  return string.match(record, '^%d+\n([^\n]*)')
end

-- Counts a member of a gateway, or with -1 discounts it.
local function count_at_gateway(room, record, by)
  local gateways, gateway = key('gateways', kind_of(room)), gateway_of(record)
  if redis.call('HINCRBY', gateways, gateway, by) <= 0 then
    redis.call('HDEL', gateways, gateway)
  end
end

local function tell(room, stamp, payload)
  redis.call('PUBLISH', key('bus', 'room', room), stamp .. '\n' .. payload)
end

local function tell_count(room, count, words)
  tell(room, 'c ' .. count, words)
end

local function count_of(room)
  return redis.call('HLEN', part(room, 'members'))
end

local function standing(room)
  local state = redis.call('HMGET', part(room, 'state'), 'epoch', 'head', 'capacity')
  return {room, state[1], state[2], count_of(room), state[3]}
end

local function note_space(room)
  local count = count_of(room)
  local space = key('space', kind_of(room))
  if count < tonumber(redis.call('HGET', part(room, 'state'), 'capacity')) then
    redis.call('ZADD', space, count, room)
  else
    redis.call('ZREM', space, room)
  end
end

local function open_room(room, capacity, epoch)
  redis.call('HSET', part(room, 'state'), 'epoch', epoch, 'head', 0, 'capacity', capacity)
  redis.call('SADD', key('rooms', kind_of(room)), room)
end

local function close_room(room)
  for _, name in ipairs({'state', 'members', 'words', 'log', 'once', 'order'}) do
    redis.call('DEL', part(room, name))
  end
  redis.call('SREM', key('rooms', kind_of(room)), room)
  redis.call('ZREM', key('space', kind_of(room)), room)
end

local function call_leave_off(room, member)
  redis.call('HDEL', part(room, 'words'), member)
  redis.call('ZREM', key('leaving', kind_of(room)), room .. '\n' .. member)
end

-- Gives a member its seat, in a room that is opened if it is not there. A lower connection changes nothing.
local function sit(room, capacity, epoch, member, record)
  if not exists(room) then
    open_room(room, capacity, epoch)
  end
  local seated = redis.call('HGET', part(room, 'members'), member)
  if not seated or connection_of(seated) <= connection_of(record) then
    if seated then
      count_at_gateway(room, seated, -1)
    end
    count_at_gateway(room, record, 1)
    redis.call('HSET', part(room, 'members'), member, record)
    call_leave_off(room, member)
  end
  redis.call('HSET', key('places', kind_of(room)), member, room)
  note_space(room)
end

-- The record of a member, unless a newer connection than this one has its seat.
local function held_by(room, member, connection)
  local record = redis.call('HGET', part(room, 'members'), member)
  if record and connection_of(record) <= connection then
    return record
  end
  return nil
end

-- Lets a member leave after a grace, with these words; an earlier time stays. Answers whether it is there.
local function let_leave(room, member, connection, grace, words)
  if not held_by(room, member, connection) then
    return false
  end
  if redis.call('HSETNX', part(room, 'words'), member, words) == 1 then
    redis.call('ZADD', key('leaving', kind_of(room)), digits(now_ms() + grace), room .. '\n' .. member)
  end
  return true
end

-- Takes a member's seat away, and with the last one the room; answers how many are left.
local function stand_up(room, member)
  count_at_gateway(room, redis.call('HGET', part(room, 'members'), member), -1)
  redis.call('HDEL', part(room, 'members'), member)
  redis.call('HDEL', key('places', kind_of(room)), member)
  call_leave_off(room, member)
  local count = count_of(room)
  if count == 0 then
    close_room(room)
  else
    note_space(room)
  end
  return count
end
