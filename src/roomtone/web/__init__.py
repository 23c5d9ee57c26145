"""The HTTP edge: the façade, the collector doors, the docs."""
