"""Roomtone: the self-hosted record of what happened in WebRTC calls and how they sounded."""

__version__ = "0.1.0"
