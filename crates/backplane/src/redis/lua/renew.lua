-- service, lease, time to live in milliseconds -> whether the lease ran until now
local service, lease, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])

local leases = key('leases', service)
local now = now_ms()
local ends = string.match(redis.call('HGET', leases, lease) or '', '^%d+')
redis.call('HSET', leases, lease, digits(now + ttl) .. ' ' .. digits(ttl))
if redis.call('PTTL', leases) < ttl then
  redis.call('PEXPIRE', leases, ttl)
end
return ends and tonumber(ends) > now and 1 or 0
