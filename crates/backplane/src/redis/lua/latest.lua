-- accounts -> the last number of each, or nothing
local numbers = {}
for at, account in ipairs(ARGV) do
  local last = last_connection(account)
  numbers[at] = last and digits(last) or false
end
return numbers
