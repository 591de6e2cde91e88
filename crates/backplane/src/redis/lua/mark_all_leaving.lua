-- room, grace in milliseconds; then member, connection, announcement for each
local room, grace = ARGV[1], tonumber(ARGV[2])

for at = 3, #ARGV, 3 do
  let_leave(room, ARGV[at], tonumber(ARGV[at + 1]), grace, ARGV[at + 2])
end
