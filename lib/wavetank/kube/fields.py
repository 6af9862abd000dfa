"""From a field as the API server names it in a refusal to the place where somebody wrote it.

Server-side apply names fields as ``.spec.template.spec.containers[name="web"].imagee``, strict decoding as
``spec.template.spec.containers[0].imagee``. Names may hold dots themselves, as labels do; the object tells them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from wavetank.document import Key

__all__ = ["complaints", "keys_of"]

_TYPED = re.compile(r'((?:\.[^\[\s:]+|\[(?:"(?:[^"\\]|\\.)*"|[^\]"])*\])+): (\S.*)')
_STRICT = re.compile(r'unknown field "((?:[^"\\]|\\.)*)"')
_ELEMENT = re.compile(r'([\w.-]*)=("(?:[^"\\]|\\.)*"|[^,]*)')
_GO_VALUE = re.compile(r"&value\.\w+\{Value:(.*?)\}")
UNDECLARED = "field not declared in schema"


def complaints(refusal: str) -> Iterator[tuple[str, str]]:
    """Yield each field that a refusal of the server names, and what is wrong with it."""
    if "typed patch object" in refusal:
        for line in refusal.partition("typed patch object")[2].splitlines():
            if found := _TYPED.search(line):
                yield found[1], _GO_VALUE.sub(r"\1", found[2])
    for name in _STRICT.findall(refusal):
        yield f".{name}", UNDECLARED


def keys_of(field: str, data: Any) -> tuple[Key, ...]:
    """Return where in ``data`` a field is that the server has named, as far as it is there."""
    keys: list[Key] = []
    while field:
        key, length = _next(field, data)
        if key is None:
            break
        keys.append(key)
        field, data = field[length:], data[key]
    return tuple(keys)


def _next(field: str, data: Any) -> tuple[Key | None, int]:
    """Return the first key of a field, and how long it is there."""
    if isinstance(data, dict):
        fitting = [key for key in data if field.startswith(f".{key}") and field[len(key) + 1 :][:1] in ("", ".", "[")]
        key = max(fitting, key=len, default=None)
        return key, len(key or "") + 1
    if isinstance(data, list) and (found := re.match(r'\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]', field)):
        return _index(found[1], data), found.end()
    return None, 0


def _index(named: str, items: list[Any]) -> int | None:
    if named.isdigit():
        return int(named) if int(named) < len(items) else None
    wanted = dict(_ELEMENT.findall(named))
    fitting = [index for index, item in enumerate(items) if _is(item, wanted)]
    return max(fitting, key=lambda index: _named_by(items[index], wanted), default=None)


def _is(item: Any, wanted: dict[str, str]) -> bool:
    """Tell whether an item of a list may be the one with these keys; what it leaves out, the server fills in."""
    if "" in wanted:  # a set, whose items are their own keys
        return json.dumps(item, ensure_ascii=False) == wanted[""]
    return isinstance(item, dict) and all(
        key not in item or json.dumps(item[key], ensure_ascii=False) == value for key, value in wanted.items()
    )


def _named_by(item: Any, wanted: dict[str, str]) -> int:
    return len(wanted.keys() & item.keys()) if isinstance(item, dict) else 0
