-- service, lease
redis.call('HDEL', key('leases', ARGV[1]), ARGV[2])
