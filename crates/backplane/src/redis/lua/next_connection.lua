-- account, time to live in milliseconds -> the number
local account, ttl = unpack(ARGV)

local last = tonumber(redis.call('GET', key('connection', account)) or 0)
local next = digits(math.max(now_ms(), last + 1))
redis.call('SET', key('connection', account), next, 'PX', ttl)
return next
