"""The TensorFlow half of tests/system/small-model-import.

    small-model-reference FOLDER                         needs tensorflow and tf_keras
    small-model-reference --fixtures FOLDER              the same; writes the archives of tests/keras
    small-model-reference --compare KERAS OURS NAME      needs nothing

The first builds networks of dense layers with the inputs and widths of DeepVariant's small models (66 and 96 of 1.8, 70 and 106 of 1.9), with
random weights, in Keras 2 and 3, as a list of layers (Sequential) and as a graph (Functional). It trains each for a moment, so that an optimiser's
state is there, saves it as an archive (.keras) and as a SavedModel, and writes what it says of 1,000 random rows.
Out: FOLDER/NAME.keras, FOLDER/NAME.saved_model, FOLDER/NAME.f64, FOLDER/INPUTS.f32 and FOLDER/names (NAME and INPUTS of each).
The last compares two files of probabilities, prints a line of a table, and fails where they differ by more than 1e-5.
"""

from __future__ import annotations

import array
import os
import pathlib
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from .. import project

# Inputs and units of the hidden layers: of short reads, and of long ones.
WIDTHS = {66: (500, 500), 96: (750, 750), 70: (500, 500), 106: (750, 750)}
ROWS = 1000
TOLERANCE = 1e-5


def rows_of(random: Any, inputs: int, rows: int) -> Any:
    """f32 [rows, inputs]: whole numbers as counts, percentages and qualities are, many of them 0."""
    import numpy as np

    numbers = random.integers(0, 101, (rows, inputs)) * (random.random((rows, inputs)) < 0.6)
    return numbers.astype(np.float32)


def build(keras: Any, form: str, inputs: int, hidden: Sequence[int]) -> Any:
    layers = keras.layers
    dense = [layers.Dense(units, activation="relu") for units in hidden]
    last = [layers.Dropout(0.1), layers.Dense(3, activation="softmax")]
    if form == "sequential":
        return keras.Sequential([keras.Input((inputs,)), *dense, *last])
    values = start = keras.Input((inputs,))
    for layer in [*dense, *last]:
        values = layer(values)
    return keras.Model(start, values)


def randomise(model: Any, keras: Any, given: Any, random: Any) -> None:
    """A step of training, then random biases, and logits that are spread enough for all classes and not so far that all is 0 or 1."""
    import numpy as np

    model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="categorical_crossentropy")
    model.fit(given[:64], np.eye(3)[random.integers(0, 3, 64)], verbose=0)
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, random.normal(0, 1, bias.shape).astype(np.float32)])
    *before, last = [layer for layer in model.layers if layer.get_weights()]
    values = given
    for layer in before:
        kernel, bias = layer.get_weights()
        values = np.maximum(values @ kernel + bias, 0)
    kernel, _ = last.get_weights()
    logits = values @ kernel
    kernel = kernel * 3 / logits.std()
    last.set_weights([kernel.astype(np.float32), -(values @ kernel).mean(axis=0).astype(np.float32)])


def libraries() -> list[tuple[str, Any]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf
    import tf_keras

    return [("keras2", tf_keras), ("keras3", tf.keras)]


def reference(folder: pathlib.Path) -> None:
    import numpy as np

    known = libraries()
    random = np.random.default_rng(21)
    names = []
    for inputs, hidden in WIDTHS.items():
        given = rows_of(random, inputs, ROWS)
        (folder / f"{inputs}.f32").write_bytes(given.tobytes())
        for library, keras in known:
            for form in ("sequential", "functional"):
                keras.utils.set_random_seed(21)
                name = f"{inputs}-{library}-{form}"
                model = build(keras, form, inputs, hidden)
                randomise(model, keras, given, random)
                said = model.predict(given, verbose=0).astype(np.float64)
                (folder / f"{name}.f64").write_bytes(said.tobytes())
                model.save(folder / f"{name}.keras")
                saved = folder / f"{name}.saved_model"
                shutil.rmtree(saved, ignore_errors=True)
                if library == "keras2":
                    model.save(str(saved), save_format="tf")
                else:
                    import tensorflow as tf

                    tf.saved_model.save(model, str(saved))
                names.append(f"{name} {inputs}.f32\n")
    (folder / "names").write_text("".join(names))


def fixtures(folder: pathlib.Path) -> None:
    import numpy as np

    random = np.random.default_rng(21)
    given = rows_of(random, 70, 64)
    for library, keras in libraries():
        keras.utils.set_random_seed(21)
        model = build(keras, "functional", 70, (5, 4))
        randomise(model, keras, given, random)
        model.save(folder / f"{library}.keras")
        row = np.arange(70, dtype=np.float32)[None] / 10
        (folder / f"{library}.txt").write_text(" ".join(str(p) for p in model.predict(row, verbose=0)[0]) + "\n")


def compare(keras: str, varpix: str, name: str) -> None:
    theirs, ours = (array.array("d", pathlib.Path(path).read_bytes()) for path in (keras, varpix))
    if len(theirs) != 3 * ROWS or len(ours) != 3 * ROWS:
        sys.exit(f"{len(theirs) // 3} and {len(ours) // 3} results for {ROWS} rows")
    largest = max(abs(a - b) for a, b in zip(theirs, ours))
    rows = [theirs[i : i + 3] for i in range(0, len(theirs), 3)]
    classes = [row.index(max(row)) for row in rows]
    print(f"| {name} | {largest:.1e} | {'/'.join(str(classes.count(c)) for c in range(3))} |")
    if largest > TOLERANCE:
        sys.exit(f"over the tolerance of {TOLERANCE}")


def main(argv: Sequence[str]) -> None:
    parser = project.parser("small-model-reference", __doc__)
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--fixtures", type=pathlib.Path)
    parser.add_argument("--compare", nargs=3, metavar=("KERAS", "OURS", "NAME"))
    args = parser.parse_args(argv)
    if args.compare:
        compare(*args.compare)
    elif args.fixtures:
        fixtures(args.fixtures)
    elif args.folder:
        reference(args.folder)
    else:
        parser.error("give a folder, --fixtures or --compare")
