-- account, epoch, gateway, time to live in milliseconds
-- -> the number, and the gateway that holds the one before or nothing; nothing when a later session has one
local account, epoch, gateway, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local last = last_connection(account) or {number = 0, epoch = 0, confirmed = 0}
if epoch < last.epoch then
  return false
end
local number = math.max(now_ms(), last.number + 1)
keep_connection(account, {number = number, epoch = epoch, confirmed = last.confirmed, gateway = gateway}, ttl)
return {digits(number), last.number == last.confirmed and last.gateway or false}
