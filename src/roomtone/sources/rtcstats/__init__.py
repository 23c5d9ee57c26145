"""rtcstats: what its browser libraries send over a socket or leave in a dump file → facts."""
