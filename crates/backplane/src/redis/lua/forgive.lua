-- key
redis.call('DEL', key('throttle', ARGV[1]))
