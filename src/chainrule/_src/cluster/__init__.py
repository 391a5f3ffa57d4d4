"""Training in rounds, on data that do not fit in memory or lie on several machines."""

from typing import Any

from chainrule._src.base.registry import provides

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "batches", "categories", "collections", "fitting", "frames", "group", "job", "options",
    "places", "predicting", "reading", "rounds", "source",
)  # fmt: skip


@provides("fit_in_rounds")
def _fit_in_rounds(model: Any, x: Any, y: Any, rounds: dict[str, Any], **options: Any) -> Any:
    from chainrule._src.cluster.fitting import fit_in_rounds
    from chainrule._src.cluster.options import Rounds

    return fit_in_rounds(model, x, y, options=Rounds.of(rounds), **options)


@provides("batches_in_parts")
def _batches_in_parts(data: Any, size: int | None, where: str, like: Any) -> Any:
    from chainrule._src.cluster.batches import batches_in_parts

    return batches_in_parts(data, size, where, like)


@provides("samples_in_parts")
def _samples_in_parts(x: Any, target: str | None, size: int, like: Any) -> Any:
    from chainrule._src.cluster.batches import PartBatches

    return PartBatches(x, size=size, target=target, like=like)
