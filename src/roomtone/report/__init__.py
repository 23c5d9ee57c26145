"""The fold: facts of one peer, in order → what happened to it. Pure: no I/O, no clock, no dice."""
