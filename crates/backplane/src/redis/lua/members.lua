-- room -> id and record of everybody, by turns
return redis.call('HGETALL', part(ARGV[1], 'members'))
