"""Faults, and the ways to write one down: each area of inputs has an Area, to which its module adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .world import World

Plant = Callable[[World], object]
Codes = int | tuple[int, ...]


@dataclasses.dataclass
class Fault:
    """A fault and the answer that is wanted."""

    id: str
    what: str
    plant: Plant
    codes: tuple[int, ...]
    words: tuple[str, ...] = ()
    # Of a run that ends with 0: its calls are those without the fault.
    same: bool = True
    # A warning expected, on a run that ends with 0.
    warns: tuple[str, ...] = ()


def cut(name: str, keep: int) -> Plant:
    """A file of which the first bytes are kept."""
    return lambda w: w.cut(name, keep)


class Area:
    """The faults of one kind of input, in the order of the table."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(
        self, id: str, what: str, codes: Codes, *words: str, same: bool = True, warns: tuple[str, ...] = ()
    ) -> Callable[[Plant], Plant]:
        """Adds the decorated function as what plants a fault."""
        allowed = codes if isinstance(codes, tuple) else (codes,)

        def register(plant: Plant) -> Plant:
            self.faults.append(Fault(id, what, plant, allowed, words, same, warns))
            return plant

        return register

    def edited(self, id: str, what: str, codes: Codes, edit: Plant, *words: str, same: bool = True, warns: tuple[str, ...] = ()) -> None:
        """A fault of the files, most often a lambda."""
        self.fault(id, what, codes, *words, same=same, warns=warns)(edit)

    def argued(self, id: str, what: str, codes: Codes, extra: list[str], *words: str, same: bool = True) -> None:
        """A fault that is nothing but arguments."""
        self.edited(id, what, codes, lambda w: w.extra.extend(extra), *words, same=same)

    def shell(self, id: str, what: str, codes: Codes, line: str, *words: str, plant: Plant | None = None, same: bool = True) -> None:
        """A fault of how the program is started: {} is the command line."""

        def both(w: World) -> None:
            if plant:
                plant(w)
            w.shell = line

        self.edited(id, what, codes, both, *words, same=same)

    def command(self, id: str, what: str, codes: Codes, line: list[str], *words: str, plant: Plant | None = None) -> None:
        """Another command, or another order of words."""

        def both(w: World) -> None:
            if plant:
                plant(w)
            w.command, w.extra = line, []

        self.edited(id, what, codes, both, *words, same=False)
