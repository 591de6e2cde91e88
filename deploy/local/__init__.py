"""A cluster as processes of this machine, with servers of its own, all in one directory."""
