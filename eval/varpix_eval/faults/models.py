"""Models: missing, damaged or out of range."""

from __future__ import annotations

import os
import re
from typing import Any

from .area import Area, Plant
from .world import World

# A place among the numbers of the shipped weights, which are of 551 kB.
IN_WEIGHTS = 200_000

AREA = Area()
edited = AREA.edited


def weights(content: bytes) -> Plant:
    """Other bytes among the weights, with the right checksum."""

    def plant(w: World) -> None:
        folder = w.model()
        w.patch("model/weights.safetensors", IN_WEIGHTS, content)
        w.resealed(folder)

    return plant


def small_model(number: bytes) -> Plant:
    """Another first number in the small model, with the right checksum."""

    def plant(w: World) -> None:
        folder = w.model()
        w.write("model/small_model.json", re.sub(rb"-?0\.\d+", number, bytes(w.content("model/small_model.json")), count=1))
        w.resealed(folder)

    return plant


def setting(id: str, what: str, path: str, value: object, *words: str) -> None:
    def edit(config: dict[str, Any]) -> None:
        *folders, last = path.split(".")
        for name in folders:
            config = config[name]
        config[last] = value

    edited("model-" + id, what, 3, lambda w: w.model(edit), "model.json", *words)


edited("model-missing", "a model that is not there", 3, lambda w: w.extra.extend(["--model", "nonsense"]), "nonsense")
edited("model-no-json", "a model's folder without model.json", 3, lambda w: (w.model() / "model.json").unlink(), "model.json")
edited("model-json-cut", "model.json cut short", 3, lambda w: (w.model(), w.cut("model/model.json", 300)), "model.json")
edited(
    "model-json-fifo",
    "a FIFO without a writer as model.json",
    3,
    lambda w: ((w.model() / "model.json").unlink(), os.mkfifo(w / "model/model.json")),
    "model.json",
)
edited("model-no-weights", "a model without weights", 3, lambda w: (w.model() / "weights.safetensors").unlink(), "weights.safetensors")
edited(
    "model-weights-cut",
    "weights cut short",
    3,
    lambda w: (w.resealed(w.model()), w.cut("model/weights.safetensors", 90_000)),
    "weights.safetensors",
)
edited(
    "model-weights-bit",
    "one bit of the weights flipped",
    3,
    lambda w: (
        w.model(),
        w.patch("model/weights.safetensors", IN_WEIGHTS, bytes([w.content("model/weights.safetensors")[IN_WEIGHTS] ^ 0x10])),
    ),
    "weights.safetensors",
)
edited(
    "model-fast-bit",
    "one digit of the small model changed",
    3,
    lambda w: (
        w.model(),
        w.write("model/small_model.json", re.sub(rb"0\.\d\d\d\d", b"0.5432", bytes(w.content("model/small_model.json")), count=1)),
    ),
    "small_model.json",
)
for name, content in (("nan", b"\0\0\xc0\x7f"), ("infinity", b"\0\0\x80\x7f")):
    edited(
        f"model-weights-{name}",
        f"{name} in the weights",
        3,
        weights(content),
        "weights.safetensors",
    )
for name, content in (("1e39", b"1e39"), ("nan", b"NaN"), ("null", b"null")):
    edited(
        f"model-fast-{name}",
        f"{name} in the small model",
        3,
        small_model(content),
        "small_model.json",
    )
edited(
    "model-fast-cut",
    "the small model cut short",
    3,
    lambda w: (folder := w.model(), w.cut("model/small_model.json", 200_000), w.resealed(folder)),
    "small_model.json",
)
setting("format", "another format", "format", 99, "format")
setting("field", "an unknown field", "surprise", 1, "surprise")
setting("network", "an unknown network", "network", "resnet", "resnet")
setting("height", "an image of 10^9 rows", "image.height", 10**9)
setting("height-0", "an image without rows", "image.height", 0)
setting("width", "an image of even width", "image.width", 220)
setting("channel", "an unknown channel", "image.channels", ["read_base", "nonsense"], "nonsense")
setting("channel-twice", "a channel twice", "image.channels", ["read_base", "read_base"])
setting("temperature", "a temperature of 0", "temperature", 0)
setting("region-size", "regions of 0 bp", "evidence.region_size", 0)
setting("max-reads", "no reads at all", "evidence.max_reads", 0)
setting("margin", "a margin of 2^63 about windows", "evidence.realign.windows.margin", 1 << 63)
setting("negative", "a negative threshold", "evidence.candidates.min_fraction_snps", -1)
