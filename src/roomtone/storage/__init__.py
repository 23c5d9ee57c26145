"""Storage: the ports' adapters on SQLite and in memory. One file per stored noun."""
