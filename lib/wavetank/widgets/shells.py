"""Which of the kernel's shells answers a click: one that is free while a cell runs.

ipykernel hands a widget's message to whichever shell used its channel last: the one that runs the cells, so that a
click waits until the running cell ends. What is sent to `at_once`'s widgets goes to one of ours, made with the first
click: it is what makes the emergency stop one. JupyterLab names a shell of its own for just this reason, but not from
the first message on, and other front ends know of none; in one shell a click comes after what was written before it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import ipywidgets as ipw
from IPython import get_ipython

__all__ = ["answers_while_busy", "at_once"]

_W = TypeVar("_W", bound=ipw.DOMWidget)

_ours = ""


def at_once(widget: _W) -> _W:
    """Have ``widget`` answer while a cell runs; return it."""
    if widget.comm is not None:
        widget.comm._reply_subshell_for = lambda _data, asked_for: _free_shell() or asked_for
    return widget


def answers_while_busy() -> bool:
    """Tell whether this kernel has more than one shell; without a kernel nothing keeps it busy."""
    kernel = _kernel()
    return kernel is None or bool(kernel._supports_kernel_subshells)


def _free_shell() -> str | None:
    """Return the id of our shell. Called by ipykernel, in the one thread that may make shells."""
    global _ours
    kernel = _kernel()
    if kernel is None or not kernel._supports_kernel_subshells:
        return None
    shells = kernel.shell_channel_thread.manager
    if _ours not in shells.list_subshell():
        _ours = shells._create_subshell()
    return _ours


def _kernel() -> Any:
    return getattr(get_ipython(), "kernel", None)
