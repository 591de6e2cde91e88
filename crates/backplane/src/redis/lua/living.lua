-- service -> its leases that run
local leases = key('leases', ARGV[1])
redis.call('ZREMRANGEBYSCORE', leases, '-inf', digits(now_ms()))
return redis.call('ZRANGE', leases, 0, -1)
