-- service, lease, time to live in milliseconds
local service, lease, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])

local leases = key('leases', service)
redis.call('HSET', leases, lease, digits(now_ms() + ttl) .. ' ' .. digits(ttl))
if redis.call('PTTL', leases) < ttl then
  redis.call('PEXPIRE', leases, ttl)
end
