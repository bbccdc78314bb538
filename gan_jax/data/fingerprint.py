"""What a run remembers of its data, so that it notices when other data lie at the same place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gan_jax import modalities
from gan_jax.data.source import Source


def describe(source: Source) -> dict[str, Any]:
    """A data set as JSON can hold it. No row is read.

    Args:
        source: The Source.

    Returns:
        `spec` and `facts`, as `modalities.to_plain` returns them, and `rows`: their `count`, a list of the
        counts of several parts, and the Source's `identity`.
    """
    plain = modalities.to_plain(source.spec, source.facts)
    counts = [part.size for part in source.parts or (source,)]
    count = counts if len(counts) > 1 else counts[0]
    return {**plain, "rows": {"count": count, "identity": source.identity}}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two data sets.

    Args:
        before: From `describe`, perhaps by way of JSON.
        now: Another.

    Returns:
        Lines for people, such as `rows: 40 -> 20`; empty if nothing differs.
    """
    return [
        *_changed_rows(before.get("rows", {}), now["rows"]),
        *_changed_classes(before, now),
        *_changed(before, now),
    ]


def _changed_rows(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, shown in (("count", "rows: "), ("identity", "")):
        if before.get(name) != now[name]:
            yield f"{shown}{before.get(name)} -> {now[name]}"


def _changed_classes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The first class whose number has another name; it tells more than two long lists."""
    old, new = (list(each["facts"].get("class_names", ())) for each in (before, now))
    if len(old) != len(new):
        yield f"classes: {len(old)} -> {len(new)}"
    yield from [
        f"class {label}: {was} -> {now}" for label, (was, now) in enumerate(zip(old, new)) if was != now
    ][:1]


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Shapes, types and facts of the modality."""
    for part in ("spec", "facts"):
        for name in dict.fromkeys([*before[part], *now[part]]):
            old, new = _as_lists(before[part].get(name)), _as_lists(now[part].get(name))
            if name != "class_names" and old != new:
                yield f"{name}: {old} -> {new}"


def _as_lists(value: Any) -> Any:
    """JSON has no tuples."""
    return (
        list(map(_as_lists, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value
    )
