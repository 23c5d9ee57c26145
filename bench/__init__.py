"""The measurements that the design rests on: ``python -m bench`` runs them.

Each is a ratio to a floor of the same run, wherever there is one; docs/performance.md tells more.
"""
