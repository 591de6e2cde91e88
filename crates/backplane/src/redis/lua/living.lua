-- service -> its leases that run
local leases = key('leases', ARGV[1])

local now, running = now_ms(), {}
local all = redis.call('HGETALL', leases)
for at = 1, #all, 2 do
  local lease = all[at]
  local ends, ttl = string.match(all[at + 1], '^(%d+) (%d+)$')
  if tonumber(ends) <= now then
    redis.call('HDEL', leases, lease)
  else
    running[#running + 1] = lease
    if tonumber(ends) > now + ttl then
      -- No lease runs longer than it was given: the clock was set back.
      redis.call('HSET', leases, lease, digits(now + ttl) .. ' ' .. ttl)
    end
  end
end
return running
