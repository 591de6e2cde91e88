-- room, epoch or nothing, offset, limit
-- -> how the room stands, offset of the first entry, whether they follow on the place, entries; or nothing when it is gone
local room, epoch, offset, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if not exists(room) then
  return false
end
prune_log(room)
local stands, kept = standing(room), redis.call('LLEN', part(room, 'log'))
local head = tonumber(stands[3])
local missing = head - offset
local follows = epoch == stands[2] and missing >= 0 and missing <= kept
local skip = kept - (follows and missing or math.min(limit, kept))
local entries = {}
if limit > 0 then
  entries = redis.call('LRANGE', part(room, 'log'), skip, skip + limit - 1)
end
return {stands, head - kept + skip + 1, follows and 1 or 0, entries}
