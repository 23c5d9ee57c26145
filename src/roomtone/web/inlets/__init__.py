"""Inlets' doors: where other collectors and servers deliver, each in its own way."""
