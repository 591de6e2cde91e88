"""Clusters: starting and ending one on this machine, and replacing its programs while players play.

`rolling` says how a cluster is replaced and `report` what came of it; neither knows what the cluster is made of.
`local` is one made of processes of this machine. Only the standard library is used: operators need Python and no more.
"""
