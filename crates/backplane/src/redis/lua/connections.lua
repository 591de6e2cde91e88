-- What the scripts about connections share: "number LF session's epoch LF confirmed number LF gateway" under each account.

-- What is kept of an account: its last number, the epoch of its session, the highest number confirmed, and the gateway
-- that took the last one; or nothing.
local function last_connection(account)
  local text = redis.call('GET', key('connection', account))
  if not text then
    return nil
  end
  local number, epoch, confirmed, gateway = string.match(text, '^(%d+)\n(%d+)\n(%d+)\n(.*)$')
  return {number = tonumber(number), epoch = tonumber(epoch), confirmed = tonumber(confirmed), gateway = gateway}
end

local function keep_connection(account, last, ttl)
  local text = table.concat({digits(last.number), digits(last.epoch), digits(last.confirmed), last.gateway}, '\n')
  redis.call('SET', key('connection', account), text, 'PX', ttl)
end
