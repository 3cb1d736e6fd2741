#!/usr/bin/env python3
"""The TensorFlow half of tests/system/deepvariant-import.

    deepvariant-reference FOLDER                                  needs tensorflow and tf_keras
    deepvariant-reference --compare KERAS OURS LAYOUT PRECISION   needs nothing

The first builds Keras's Inception v3 with DeepVariant's head in its two wirings (the network nested as one layer, up to about 1.6;
flat, since), for images of short reads and, with 9 and 10 channels, of long ones, with random weights and statistics of the norms, and
writes for each what it says of 256 random pileup-like images.
Out: FOLDER/images-CHANNELS.u8; FOLDER/NETWORK.f64 and FOLDER/NETWORK.images, the name of its images, of each network; a folder for each
layout; FOLDER/gflop, of 7 channels. The second compares two files of probabilities, prints a line of a table, and fails where they differ
by more than the precision allows.
"""

from __future__ import annotations

import array
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from .. import project

# Shape of the images by channels: WGS; PACBIO of 1.8 and 1.9; PACBIO of 1.10.
SHAPES = {7: (100, 221, 7), 9: (100, 147, 9), 10: (100, 147, 10)}
# DeepVariant's numbers of the channels, and what else describes such images there.
INFO: dict[int, dict[str, Any]] = {
    7: {"version": "1.8.0", "channels": [1, 2, 3, 4, 5, 6, 19]},
    9: {"version": "1.9.0", "channels": [1, 2, 3, 4, 5, 6, 7, 9, 10]},
    10: {
        "version": "1.10.0",
        "channels": [1, 2, 3, 4, 5, 6, 7, 26, 9, 10],
        "flags_for_calling": {
            "alt_aligned_pileup": "diff_channels",
            "keep_supplementary_alignments": True,
            "max_reads_per_partition": 600,
            "min_mapping_quality": 1,
            "parse_sam_aux_fields": True,
            "partition_size": 25000,
            "phase_reads": True,
            "pileup_image_height": 100,
            "pileup_image_width": 147,
            "realign_reads": False,
            "sort_by_haplotypes": True,
            "track_ref_reads": True,
            "trim_reads_for_pileup": True,
            "vsc_min_fraction_indels": 0.12,
        },
    },
}
IMAGES = 256
BATCH = 32
# fp32 shows what is imported wrongly; what bf16 does depends on the random weights, which differ from machine to machine (0.009 to 0.027 were seen).
TOLERANCE = {"f32": 1e-4, "bf16": 4e-2}
SAME_CLASS = 0.99


def pileup(random: Any, shape: tuple[int, int, int]) -> Any:
    """u8 [height, width, channels]: five rows of reference, then reads of random places, bases and qualities, some with a variant in the
    middle. The seventh channel is the insert size of short reads; of long ones the haplotype, before that of supplementary alignments (10)
    and the two of differences from the alternative alleles."""
    import numpy as np

    _, width, channels = shape
    image = np.zeros(shape, np.uint8)
    bases = np.array([30, 100, 180, 250], np.uint8)
    reference = bases[random.integers(0, 4, width)]
    last = {7: (254,), 9: (0, 50, 50), 10: (0, 0, 50, 50)}[channels]
    image[:5] = np.stack([reference] + [np.full(width, v, np.uint8) for v in (254, 254, 70, 152, 50, *last)], axis=-1)
    share = random.choice([0.0, 0.15, 0.5, 0.85, 1.0])
    errors = random.choice([0.002, 0.01, 0.05])
    starts = np.sort(random.integers(-120, width - 20, random.integers(4, 95)))
    for row, start in enumerate(starts, 5):
        left, right = max(0, start), min(width, start + random.integers(80, 151))
        span = slice(left, right)
        n = right - left
        if n <= 0:
            continue
        wrong = random.random(n) < errors
        supports = random.random() < share
        middle = width // 2 - left
        if supports and 0 <= middle < n:
            wrong[middle] = True
        image[row, span, 0] = np.where(wrong, bases[random.integers(0, 4, n)], reference[span])
        image[row, span, 1] = random.choice([76, 146, 190, 234, 254], n)
        image[row, span, 2] = random.choice([84, 169, 254, 254, 254])
        image[row, span, 3] = random.choice([70, 240])
        image[row, span, 4] = 254 if supports else 152
        image[row, span, 5] = np.where(wrong, 254, 50)
        if channels == 7:
            image[row, span, 6] = random.integers(50, 255)
        else:
            image[row, span, 6] = random.choice([0, 127, 254])
            if channels == 10:
                image[row, span, 7] = random.choice([152, 152, 152, 254])
            image[row, span, -2] = np.where(wrong ^ supports, 254, 50)
            image[row, span, -1] = image[row, span, -2]
        if random.random() < 0.1:  # a deletion leaves pixels empty
            at = left + random.integers(0, n)
            image[row, at : at + random.integers(1, 12)] = 0
    return image


def build(keras: Any, nested: bool, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    backbone = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=shape, classes=3, pooling="avg")
    features = backbone(backbone.input) if nested else backbone.output
    features = keras.layers.Dropout(0.2)(features)
    output = keras.layers.Dense(3, activation="softmax", dtype="float32", name="classification")(features)
    return keras.Model(inputs=backbone.input, outputs=output, name="inceptionv3"), backbone


def randomise(model: Any, backbone: Any, keras: Any, images: Any, random: Any) -> None:
    """Random statistics and shifts of the norms, near those that keep values in range; classes spread over the images."""
    import numpy as np

    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    backbone(images[:64], training=True)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            _, mean, variance = layer.get_weights()
            shape = mean.shape
            mean = mean + random.normal(0, 0.3, shape) * np.sqrt(variance)
            variance = variance * random.uniform(0.5, 2.0, shape) + 1e-4
            layer.set_weights([random.normal(0, 0.3, shape), mean, variance])
    # The classes lie along the direction in which the images' features differ most, as a trained head has them. A head of random
    # directions would see little but the rounding of bf16, which a deep random network amplifies.
    features = backbone.predict(images, batch_size=BATCH, verbose=0)
    mean = features.mean(axis=0)
    _, _, directions = np.linalg.svd(features - mean, full_matrices=False)
    along = (features - mean) @ directions[0]
    along, direction = along / along.std(), directions[0] / along.std()
    # Classes meet in the widest gaps, one below the middle and one above: a trained head has few images between two classes.
    cuts = []
    for low, high in ((0.15, 0.45), (0.55, 0.85)):
        part = np.sort(along)[int(low * len(along)) : int(high * len(along))]
        widest = np.argmax(np.diff(part))
        cuts.append((part[widest] + part[widest + 1]) / 2)
    kernel = np.outer(direction, [-1.0, 0.0, 1.0])
    bias = np.array([0.0, -cuts[0], -cuts[0] - cuts[1]])
    model.get_layer("classification").set_weights([kernel, bias - mean @ kernel])


def multiply_adds(backbone: Any) -> int:
    total = 0
    for layer in backbone.layers:
        if type(layer).__name__ == "Conv2D":
            rows, columns, ins, outs = layer.kernel.shape
            shape = layer.output.shape
            total += int(rows) * int(columns) * int(ins) * int(outs) * int(shape[1]) * int(shape[2])
    return total + 2048 * 3


def reference(folder: pathlib.Path) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import numpy as np
    import tensorflow as tf
    import tf_keras

    random = np.random.default_rng(6)
    scaled = {}
    for channels, shape in SHAPES.items():
        images = np.stack([pileup(random, shape) for _ in range(IMAGES)])
        (folder / f"images-{channels}.u8").write_bytes(images.tobytes())
        scaled[channels] = (images.astype(np.float32) - 128) / 128

    def fresh(name: str, json_name: str, channels: int) -> str:
        path = folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        (path / json_name).write_text(json.dumps({"shape": SHAPES[channels], **INFO[channels]}))
        return str(path)

    networks = [
        ("nested", tf_keras, 7),
        ("flat", tf_keras, 7),
        ("keras3", tf.keras, 7),
        ("flat_9", tf_keras, 9),
        ("keras3_10", tf.keras, 10),
    ]
    for network, keras, channels in networks:
        tf.keras.utils.set_random_seed(6)
        model, backbone = build(keras, network == "nested", SHAPES[channels])
        randomise(model, backbone, keras, scaled[channels], random)
        said = model.predict(scaled[channels], batch_size=BATCH, verbose=0).astype(np.float64)
        (folder / f"{network}.f64").write_bytes(said.tobytes())
        (folder / f"{network}.images").write_text(f"images-{channels}.u8")
        json_name = "model.example_info.json" if channels == 10 else "example_info.json"
        tf.saved_model.save(model, fresh(f"{network}-saved_model", json_name, channels))
        if network == "nested":
            model.save_weights(fresh("nested-checkpoint", "example_info.json", 7) + "/weights-51-0.995354.ckpt", save_format="tf")
        if network == "flat":
            tf.train.Checkpoint(model).save(fresh("flat-checkpoint", "model.example_info.json", 7) + "/ema")
            optimizer = keras.optimizers.SGD(0.01, momentum=0.9, use_ema=True)
            optimizer.build(model.trainable_variables)
            state = tf.train.Checkpoint(model, optimizer=optimizer, global_step=tf.Variable(0, dtype=tf.int64))
            state.save(fresh("flat-training", "example_info.json", 7) + "/ckpt")
        if channels == 7:
            (folder / "gflop").write_text(str(2 * multiply_adds(backbone) / 1e9))


def rows(path: str) -> list[list[float]]:
    """Probabilities of each image."""
    flat = array.array("d", pathlib.Path(path).read_bytes())
    return [list(flat[i : i + 3]) for i in range(0, len(flat), 3)]


def compare(keras: str, varpix: str, layout: str, precision: str) -> None:
    theirs, ours = rows(keras), rows(varpix)
    if len(theirs) != IMAGES or len(ours) != IMAGES:
        sys.exit(f"{len(theirs)} and {len(ours)} results for {IMAGES} images")
    largest = max(abs(a - b) for t, o in zip(theirs, ours) for a, b in zip(t, o))
    likeliest = [row.index(max(row)) for row in theirs]
    same = sum(row.index(max(row)) == best for row, best in zip(ours, likeliest)) / IMAGES
    classes = "/".join(str(likeliest.count(c)) for c in range(3))
    print(f"| {layout} | {precision} | {largest:.1e} | {100 * same:.1f} % | {classes} |")
    if largest > TOLERANCE[precision] or same < SAME_CLASS:
        sys.exit(f"over the tolerance: {TOLERANCE[precision]}, {SAME_CLASS}")


def main(argv: Sequence[str]) -> None:
    parser = project.parser("deepvariant-reference", __doc__)
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--compare", nargs=4, metavar=("KERAS", "OURS", "LAYOUT", "PRECISION"))
    args = parser.parse_args(argv)
    if args.compare:
        compare(*args.compare)
    elif args.folder:
        reference(args.folder)
    else:
        parser.error("give a folder, or --compare")
