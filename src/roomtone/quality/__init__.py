"""Numbers to scores: audio MOS, video score, the vendor's score, mergeable aggregates. Pure."""
