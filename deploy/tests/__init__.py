"""Tests of the commands that need none of our programs; those with a whole cluster are among the Python stories."""
