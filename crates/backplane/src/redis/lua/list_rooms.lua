-- kind -> how each of its rooms stands
local standings = {}
for _, room in ipairs(redis.call('SMEMBERS', key('rooms', ARGV[1]))) do
  standings[#standings + 1] = standing(room)
end
return standings
