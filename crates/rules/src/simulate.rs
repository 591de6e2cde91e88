//! The rules run without any server, to balance the world: what an hour in a dungeon brings at a level.
