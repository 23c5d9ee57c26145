"""The nouns: frozen structs, ids, errors, limits. Pure: imports nothing of Roomtone above it."""
