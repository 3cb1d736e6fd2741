"""All faults, in the order of docs/faults.md."""

from __future__ import annotations

from . import arguments, cram, destroy, indexes, models, outputs, readers, reads, records, reference, regions, sites
from .area import Fault

AREAS = (destroy, reads, indexes, cram, records, reference, regions, sites, models, outputs, arguments, readers)


def faults() -> list[Fault]:
    return [fault for module in AREAS for fault in module.AREA.faults]
