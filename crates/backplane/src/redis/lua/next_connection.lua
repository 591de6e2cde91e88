-- account, epoch, gateway, time to live in milliseconds
-- -> the number, and the gateway that took the one before or nothing; nothing when a later session has one
local account, epoch, gateway, ttl = unpack(ARGV)

local last, last_epoch, previous = last_connection(account)
if last_epoch and tonumber(epoch) < last_epoch then
  return false
end
local next = digits(math.max(now_ms(), (last or 0) + 1))
redis.call('SET', key('connection', account), next .. '\n' .. epoch .. '\n' .. gateway, 'PX', ttl)
return {next, previous or false}
