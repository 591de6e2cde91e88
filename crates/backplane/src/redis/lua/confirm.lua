-- gateway, time to live in milliseconds; then account, epoch, number for each connection it holds
-- -> the highest confirmed number of each account
local gateway, ttl = ARGV[1], ARGV[2]

local answers = {}
for at = 3, #ARGV, 3 do
  local account, epoch, number = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local last = last_connection(account)
  if not last or number > last.number and epoch >= last.epoch then
    last = {number = number, epoch = epoch, confirmed = number, gateway = gateway}
    keep_connection(account, last, ttl)
  elseif number > last.confirmed and epoch == last.epoch then
    last.confirmed = number
    keep_connection(account, last, ttl)
  end
  answers[#answers + 1] = digits(last.confirmed)
end
return answers
