-- kind -> every gateway that holds a member
return redis.call('HKEYS', key('gateways', ARGV[1]))
