"""The call page: who may come, the page itself, and the signalling between its browsers."""
