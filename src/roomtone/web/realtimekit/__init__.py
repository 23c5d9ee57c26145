"""The façade: RealtimeKit's API, as the vendor's own SDKs call it. README.md says how exactly."""
