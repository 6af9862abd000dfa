"""What an API server does to objects without any I/O: patch types, field ownership, selectors.

Simpler than the real thing in one way that matters: list items are merged by their ``name`` where every item has one,
and any other list is one value; the real server knows from the schema. In custom resources each list is one value, as
it is there unless the schema says otherwise.
"""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

Obj = dict[str, Any]
Path = tuple[str, ...]

Owner = tuple[str, str, str]
"""Manager, operation (Apply or Update), subresource."""

UNOWNED = {("f:apiVersion",), ("f:kind",)} | {
    ("f:metadata", f"f:{name}")
    for name in ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
}


class ConflictError(Exception):
    """Others own fields that an apply sets differently: ``(manager, apiVersion, field)`` each."""

    def __init__(self, fields: list[tuple[str, str, str]]) -> None:
        super().__init__(fields)
        self.fields = fields


def merge(into: Any, patch: Any, *, lists_by_name: bool = False) -> Any:
    """Return ``into`` changed by a merge patch; ``lists_by_name`` makes it a strategic one."""
    if isinstance(patch, dict):
        merged = dict(into) if isinstance(into, dict) else {}
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = merge(merged.get(key), value, lists_by_name=lists_by_name)
        return merged
    if lists_by_name and _named(patch) and (into is None or _named(into)):
        items = {item["name"]: item for item in into or []}
        for item in patch:
            if item.get("$patch") == "delete":
                items.pop(item["name"], None)
            else:
                items[item["name"]] = merge(items.get(item["name"]), item, lists_by_name=True)
        return list(items.values())
    return copy.deepcopy(patch)


def json_patch(obj: Any, operations: list[Obj]) -> Any:
    """Return ``obj`` changed by a JSON patch (add, replace, remove, test); ValueError where it does not fit."""
    obj = copy.deepcopy(obj)
    for operation in operations:
        *parents, last = [
            part.replace("~1", "/").replace("~0", "~") for part in operation["path"].lstrip("/").split("/")
        ]
        target = obj
        for part in parents:
            try:
                target = target[int(part) if isinstance(target, list) else part]
            except (KeyError, IndexError) as error:
                raise ValueError(f"jsonpatch: missing path {operation['path']}") from error
        op, key = operation["op"], last if isinstance(target, dict) or last == "-" else int(last)
        there = key in target if isinstance(target, dict) else key != "-" and key < len(target)
        if op in ("remove", "replace", "test") and not there:
            raise ValueError(f"jsonpatch: missing path {operation['path']}")
        if op == "test" and target[key] != operation["value"]:
            raise ValueError(f"jsonpatch: testing value {operation['path']} failed")
        if op == "remove":
            del target[key]
        elif op == "add" and isinstance(target, list):
            target.insert(len(target) if key == "-" else key, operation["value"])
        elif op in ("add", "replace"):
            target[key] = operation["value"]
    return obj


def apply(live: Obj, config: Obj, manager: str, *, force: bool) -> Obj:
    """Return ``live`` changed by a server-side apply of ``config``: fields left out since the last one go."""
    owners, me = _owners(live), (manager, "Apply", "")
    values, wanted = dict(_fields(live)), dict(_fields(config))
    conflicts = []
    for owner, fields in owners.items():
        disputed = {path for path in fields & _owned(wanted) if values.get(path) != wanted[path]}
        if owner != me and disputed:
            conflicts += [(owner[0], live["apiVersion"], _dotted(path)) for path in sorted(disputed)]
            fields -= disputed
    if conflicts and not force:
        raise ConflictError(conflicts)
    kept_by_others = set().union(*(fields for owner, fields in owners.items() if owner != me))
    for path in owners.get(me, set()) - _owned(wanted) - kept_by_others:
        values.pop(path, None)
    owners[me] = _owned(wanted)
    return _with_owners(_without_prefixes(_tree({**values, **wanted})), owners)


def updated(old: Obj | None, new: Obj, manager: str, subresource: str = "") -> Obj:
    """Return ``new``, written whole by ``manager``, with the fields that changed owned by it."""
    before, after = dict(_fields(old or {})), dict(_fields(new))
    changed = {path for path in _owned(after) if before.get(path) != after[path]}
    owners = _owners(new)
    for fields in owners.values():
        fields -= changed | (before.keys() - after.keys())
    if changed:
        owners.setdefault((manager, "Update", subresource), set()).update(changed)
    return _with_owners(new, owners)


def matches(obj: Obj, labels: str, fields: str) -> bool:
    """Tell whether a label selector and a field selector (``a.b=c``, ``a.b!=c``) both take ``obj``."""
    return all(_label(obj["metadata"].get("labels") or {}, term) for term in _terms(labels)) and all(
        _field(obj, term) for term in _terms(fields)
    )


def _terms(selector: str) -> list[str]:
    return [term.strip() for term in re.split(r",(?![^(]*\))", selector) if term.strip()]


def _label(labels: dict[str, str], term: str) -> bool:
    if found := re.fullmatch(r"(\S+)\s+(in|notin)\s+\((.*)\)", term):
        values = [value.strip() for value in found[3].split(",")]
        return (labels.get(found[1]) in values) == (found[2] == "in")
    if found := re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*(.*)", term):
        return (labels.get(found[1]) == found[3]) == (found[2] != "!=")
    return term[1:] not in labels if term.startswith("!") else term in labels


def _field(obj: Obj, term: str) -> bool:
    path, operator, wanted = re.split(r"(==|!=|=)", term, maxsplit=1)
    value: Any = obj
    for part in path.split("."):
        value = (value or {}).get(part)
    return (str(value or "") == wanted) == (operator != "!=")


def _named(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) and "name" in item for item in items)


def _fields(obj: Obj) -> Iterator[tuple[Path, Any]]:
    """Yield every field with its value, written as in ``fieldsV1``; an item of a named list is under its name."""
    group = obj.get("apiVersion", "").rpartition("/")[0]
    return _leaves(obj, (), built_in="." not in group or group.endswith(".k8s.io"))


def _leaves(value: Any, path: Path, *, built_in: bool) -> Iterator[tuple[Path, Any]]:
    if path not in UNOWNED and isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, (*path, f"f:{key}"), built_in=built_in)
    elif path not in UNOWNED and built_in and _named(value) and value:
        for item in value:
            yield from _leaves(item, (*path, "k:" + json.dumps({"name": item["name"]})), built_in=built_in)
    else:
        yield path, value


def _owned(leaves: dict[Path, Any]) -> set[Path]:
    return leaves.keys() - UNOWNED


def _tree(leaves: dict[Path, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in leaves.items():
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        if value != {} or path[-1] not in node:
            node[path[-1]] = value
    return tree


def _without_prefixes(tree: Any) -> Any:
    """Return the object whose leaves ``tree`` holds."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.startswith("k:") for key in tree):
        return [_without_prefixes(part) for part in tree.values()]
    return {key[2:]: _without_prefixes(part) for key, part in tree.items()}


def _owners(obj: Obj) -> dict[Owner, set[Path]]:
    def paths(tree: Obj, path: Path = ()) -> Iterator[Path]:
        for key, part in tree.items():
            yield from paths(part, (*path, key)) if part else [(*path, key)]

    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): set(paths(entry.get("fieldsV1", {})))
        for entry in obj["metadata"].get("managedFields") or []
    }


def _with_owners(obj: Obj, owners: dict[Owner, set[Path]]) -> Obj:
    managed = [
        {
            "manager": manager,
            "operation": operation,
            "apiVersion": obj["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree({path: {} for path in sorted(fields)}),
            **({"subresource": subresource} if subresource else {}),
        }
        for (manager, operation, subresource), fields in owners.items()
        if fields
    ]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": managed}}


def _dotted(path: Path) -> str:
    return "".join(
        f".{part[2:]}" if part.startswith("f:") else f"[name={json.dumps(json.loads(part[2:])['name'])}]"
        for part in path
    )
