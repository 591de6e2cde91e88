-- a random number -> which life of this memory it is; the number given, if it is a new one
--
-- A server that was started with a snapshot, or takes over as a replica, remembers an earlier state: rooms as they stood
-- then contradict what was said and who went since. They are closed before anybody asks about them.
local info = redis.pcall('INFO', 'server')
-- Where the server doesn't say which process it is, only an emptied one is noticed.
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local life, of_run = string.match(redis.call('GET', key('life')) or '', '^(%d+)\n(%w*)$')
if life and of_run == run then
  return life
end
if life then
  for _, rooms in ipairs(redis.call('KEYS', key('rooms', '*'))) do
    local kind = string.match(rooms, '[^:]+$')
    for _, room in ipairs(redis.call('SMEMBERS', rooms)) do
      close_room(room)
    end
    redis.call('DEL', key('places', kind), key('gateways', kind), key('leaving', kind))
  end
end
redis.call('SET', key('life'), ARGV[1] .. '\n' .. run)
return ARGV[1]
