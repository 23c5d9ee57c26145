"""The measurements that the design rests on: ``python -m bench`` runs them, docs/performance.md tells
what they mean. Each is a ratio to a floor of the same run, wherever there is a floor."""
