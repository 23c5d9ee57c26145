"""Roomtone, killed with -9 at one moment of its work: ``DIES_AT`` names it.

``module:Class.method before|after N`` is the moment before, or after, the N-th call of a method.
"""

import functools
import importlib
import inspect
import os
import signal
import sys
from itertools import count
from typing import Any


def arm(place: str, moment: str, number: str) -> None:
    """Put the end of this process into a method."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    method = getattr(owner, name)
    calls = count(1)

    def die_if(now: str, call: int) -> None:
        if now == moment and call == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(method)
    async def awaited(*args: Any, **more: Any) -> Any:
        call = next(calls)
        die_if("before", call)
        answer = await method(*args, **more)
        die_if("after", call)
        return answer

    @functools.wraps(method)
    def called(*args: Any, **more: Any) -> Any:
        call = next(calls)
        die_if("before", call)
        answer = method(*args, **more)
        die_if("after", call)
        return answer

    setattr(owner, name, awaited if inspect.iscoroutinefunction(method) else called)


if __name__ == "__main__":
    arm(*os.environ["DIES_AT"].split())
    from roomtone.cli import main

    sys.argv[0] = "roomtone"
    main()
