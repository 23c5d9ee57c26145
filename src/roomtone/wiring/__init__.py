"""Wiring: settings → a running service. The only place that knows every edge.

``service`` puts the services together, ``places`` opens what they lie in, ``loops`` runs what works
by itself, ``site`` is what the web sees.
"""

from roomtone.wiring.places import DATABASE
from roomtone.wiring.service import Roomtone

__all__ = ["DATABASE", "Roomtone"]
