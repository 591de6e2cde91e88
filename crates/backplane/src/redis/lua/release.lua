-- service, lease
redis.call('ZREM', key('leases', ARGV[1]), ARGV[2])
