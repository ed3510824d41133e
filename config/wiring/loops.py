"""The event loop and the garbage collector of a process that runs for long."""

import asyncio
import gc

import uvloop


def use_uvloop() -> None:
    """Have every event loop of this process be uvloop's."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def calm_the_collector() -> None:
    """Keep the garbage collector from what lives as long as the process: call it once all is made.

    Requests leave few cycles, but with the defaults each few of them has everything looked through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
