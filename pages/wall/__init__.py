"""The wall: seven pages that cycle by themselves on one map in the dark."""
