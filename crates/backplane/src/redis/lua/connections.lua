-- What the scripts about connections share: "number LF session's epoch LF gateway" under each account.

-- The last number of an account, the epoch of its session and the gateway that took it, or nothing.
local function last_connection(account)
  local text = redis.call('GET', key('connection', account))
  if not text then
    return nil
  end
  local number, epoch, gateway = string.match(text, '^(%d+)\n(%d+)\n(.*)$')
  return tonumber(number), tonumber(epoch), gateway
end
