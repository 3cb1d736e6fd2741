"""Options of a simulation, resolved: what `scripts/eval simulate` was asked for."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Options:
    """Named as the flags are; `scripts/eval simulate --help` explains them."""

    ref: str
    truth: str
    region: list[str]
    out: str
    depth: float = 30
    read_length: int = 150
    insert: str = "400,60"
    profile: str = "HS25"
    aligner: str = "bwa"
    seed: int = 1
    sample: str = "simulated"
    threads: int = 2
    plant: bool = False
    divergent: bool = False
    artefacts: bool = False
    leave_out_shared: bool = False
    library: str | None = None
    library_spread: float | None = None
    uneven: float = 0
    targets: str | None = None
    off_target: float = 0.1
    amplicons: int | None = None
    primers: str = "keep"
    duplicates: float | None = None
    single_end: bool = False
    trim_adapters: bool = False
    merge: bool = False
    templates: str | None = None
    scatter: bool = False
    qualities: str = "made"
    mapq: str = "made"

    @property
    def layouts(self) -> list[str]:
        """The flags that say where fragments lie; only one may be given."""
        return [name for name in ("targets", "amplicons", "uneven") if getattr(self, name)]

    @property
    def hifi(self) -> bool:
        """Reads are PacBio's, long and without mates."""
        return self.profile == "hifi"

    @property
    def molecules(self) -> bool:
        """Reads are made of single molecules, not by a simulator run on whole haplotypes."""
        return bool(
            self.artefacts
            or self.hifi
            or self.library
            or self.layouts
            or self.duplicates
            or self.single_end
            or self.trim_adapters
            or self.merge
            or self.templates
        )

    @property
    def fragments(self) -> tuple[float, float]:
        """Mean and standard deviation of their length, bp."""
        mean, spread = (float(n) for n in self.insert.split(","))
        return mean, spread
