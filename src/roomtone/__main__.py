"""``python -m roomtone``."""

from roomtone.cli import main

main()
