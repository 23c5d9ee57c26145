"""Summaries without a cloud: the sentences that carry a meeting, each linked to its place. Pure."""
