-- room -> how it stands, or nothing
return exists(ARGV[1]) and standing(ARGV[1])
