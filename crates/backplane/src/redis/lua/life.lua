-- a random number -> which life of this memory it is; the number given, if it is a new one
redis.call('SET', key('life'), ARGV[1], 'NX')
return redis.call('GET', key('life'))
