-- key, microseconds for a token, burst -> microseconds to wait; zero when a token was spent
--
-- As `Rate::spend` in memory: what is kept of a bucket is when it will be full again.
local bucket, every, burst = key('throttle', ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local now = now_us()
local empty = now + every * burst

local function keep(full_at)
  redis.call('SET', bucket, digits(full_at), 'PX', digits(math.ceil((full_at - now) / 1000)))
end

local full_at = math.max(now, tonumber(redis.call('GET', bucket) or 0))
if full_at > empty then
  -- No bucket is emptier than empty: the clock was set back.
  full_at = empty
  keep(full_at)
end
local wait = full_at + every - empty
if wait > 0 then
  return wait
end
keep(full_at + every)
return 0
