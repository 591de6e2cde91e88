-- What the scripts that write and read logs share.

-- Appends, and publishes the entry with its place. The room is there.
local function write(room, payload)
  local epoch = redis.call('HGET', part(room, 'state'), 'epoch')
  local head = digits(redis.call('HINCRBY', part(room, 'state'), 'head', 1))
  local at = digits(now_ms())
  local log = part(room, 'log')
  redis.call('RPUSH', log, at .. '\n' .. payload)
  redis.call('LTRIM', log, -LOG_ENTRIES, -1)
  redis.call('PEXPIRE', log, LOG_AGE_MS)
  tell(room, 'a ' .. epoch .. ' ' .. head .. ' ' .. at, payload)
  return {epoch, head, at}
end

local function oldest_kept()
  return now_ms() - LOG_AGE_MS
end

-- Lets entries go that are too old.
local function prune_log(room)
  local log, oldest = part(room, 'log'), oldest_kept()
  local first = redis.call('LINDEX', log, 0)
  while first and tonumber(string.match(first, '^%d+')) < oldest do
    redis.call('LPOP', log)
    first = redis.call('LINDEX', log, 0)
  end
end

local function forget_oldest_key(room)
  redis.call('HDEL', part(room, 'once'), redis.call('LPOP', part(room, 'order')))
end

-- Lets keys go that are too old.
local function prune_keys(room)
  local oldest = oldest_kept()
  local first = redis.call('LINDEX', part(room, 'order'), 0)
  while first do
    local answer = redis.call('HGET', part(room, 'once'), first)
    if answer and tonumber(string.match(answer, '%d+$')) >= oldest then
      return
    end
    forget_oldest_key(room)
    first = redis.call('LINDEX', part(room, 'order'), 0)
  end
end
