-- key, microseconds for a token
local bucket, every, now = key('throttle', ARGV[1]), tonumber(ARGV[2]), now_us()

local full_at = tonumber(redis.call('GET', bucket) or 0) - every
if full_at > now then
  redis.call('SET', bucket, digits(full_at), 'PX', digits(math.ceil((full_at - now) / 1000)))
else
  redis.call('DEL', bucket)
end
