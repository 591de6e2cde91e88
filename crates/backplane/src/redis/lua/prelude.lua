-- What every script begins with: the names of keys, the time, and numbers as text.
-- KEYS[1] is the prefix under which one world lies. LOG_ENTRIES, ONCE_KEYS, LOG_AGE_MS, LONGEST_GRACE_MS and
-- SHIFT_US come before this.

local prefix = KEYS[1]

local function key(...)
  return prefix .. ':' .. table.concat({...}, ':')
end

-- Microseconds since the epoch by the server's clock, the only one all processes share.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2] + SHIFT_US
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

-- Every digit; Lua's own form loses some beyond 10^14.
local function digits(number)
  return string.format('%.0f', number)
end
