"""The escape from the vocabularies: a Python function in a file of the lab's own folder, named ``module:function``."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wavetank.errors import InputError

__all__ = ["lab_function"]


def lab_function(folder: Path, name: str) -> Callable[..., Any]:
    """Return the function that ``module:function`` names in ``folder``; its file is read anew each time.

    Raises `InputError` when the file cannot be imported, or has no such function.
    """
    module_name, _, function_name = name.partition(":")
    path = folder / f"{module_name}.py"
    spec = importlib.util.spec_from_file_location(f"wavetank_lab_{module_name}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"cannot import {path}", expected="a Python module")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the lab's own code raises
        raise InputError(
            f"cannot import {path}", observed=f"{type(error).__name__}: {error}", expected="a Python module"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError(f"{path} has no function {function_name!r}", expected=f"def {function_name}(bench): ...")
    checked: Callable[..., Any] = function
    return checked
