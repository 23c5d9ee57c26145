"""The console: who is signed in, its page, and what it follows live."""
