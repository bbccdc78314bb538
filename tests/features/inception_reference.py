"""Inception-v3 of FID once more, in NumPy float64, channels first, from tensors in the public layout."""

import functools

import numpy as np


def _block_a(block, channels, pooled):
    return [
        (f"{block}.branch1x1", channels, 64, 1, 1),
        (f"{block}.branch5x5_1", channels, 48, 1, 1),
        (f"{block}.branch5x5_2", 48, 64, 5, 5),
        (f"{block}.branch3x3dbl_1", channels, 64, 1, 1),
        (f"{block}.branch3x3dbl_2", 64, 96, 3, 3),
        (f"{block}.branch3x3dbl_3", 96, 96, 3, 3),
        (f"{block}.branch_pool", channels, pooled, 1, 1),
    ]


def _block_c(block, width):
    return [
        (f"{block}.branch1x1", 768, 192, 1, 1),
        (f"{block}.branch7x7_1", 768, width, 1, 1),
        (f"{block}.branch7x7_2", width, width, 1, 7),
        (f"{block}.branch7x7_3", width, 192, 7, 1),
        (f"{block}.branch7x7dbl_1", 768, width, 1, 1),
        (f"{block}.branch7x7dbl_2", width, width, 7, 1),
        (f"{block}.branch7x7dbl_3", width, width, 1, 7),
        (f"{block}.branch7x7dbl_4", width, width, 7, 1),
        (f"{block}.branch7x7dbl_5", width, 192, 1, 7),
        (f"{block}.branch_pool", 768, 192, 1, 1),
    ]


def _block_e(block, channels):
    return [
        (f"{block}.branch1x1", channels, 320, 1, 1),
        (f"{block}.branch3x3_1", channels, 384, 1, 1),
        (f"{block}.branch3x3_2a", 384, 384, 1, 3),
        (f"{block}.branch3x3_2b", 384, 384, 3, 1),
        (f"{block}.branch3x3dbl_1", channels, 448, 1, 1),
        (f"{block}.branch3x3dbl_2", 448, 384, 3, 3),
        (f"{block}.branch3x3dbl_3a", 384, 384, 1, 3),
        (f"{block}.branch3x3dbl_3b", 384, 384, 3, 1),
        (f"{block}.branch_pool", channels, 192, 1, 1),
    ]


# Every convolution: name, channels in and out, height and width of the kernel.
LAYERS = [
    ("Conv2d_1a_3x3", 3, 32, 3, 3),
    ("Conv2d_2a_3x3", 32, 32, 3, 3),
    ("Conv2d_2b_3x3", 32, 64, 3, 3),
    ("Conv2d_3b_1x1", 64, 80, 1, 1),
    ("Conv2d_4a_3x3", 80, 192, 3, 3),
    *_block_a("Mixed_5b", 192, 32),
    *_block_a("Mixed_5c", 256, 64),
    *_block_a("Mixed_5d", 288, 64),
    ("Mixed_6a.branch3x3", 288, 384, 3, 3),
    ("Mixed_6a.branch3x3dbl_1", 288, 64, 1, 1),
    ("Mixed_6a.branch3x3dbl_2", 64, 96, 3, 3),
    ("Mixed_6a.branch3x3dbl_3", 96, 96, 3, 3),
    *_block_c("Mixed_6b", 128),
    *_block_c("Mixed_6c", 160),
    *_block_c("Mixed_6d", 160),
    *_block_c("Mixed_6e", 192),
    ("Mixed_7a.branch3x3_1", 768, 192, 1, 1),
    ("Mixed_7a.branch3x3_2", 192, 320, 3, 3),
    ("Mixed_7a.branch7x7x3_1", 768, 192, 1, 1),
    ("Mixed_7a.branch7x7x3_2", 192, 192, 1, 7),
    ("Mixed_7a.branch7x7x3_3", 192, 192, 7, 1),
    ("Mixed_7a.branch7x7x3_4", 192, 192, 3, 3),
    *_block_e("Mixed_7b", 1280),
    *_block_e("Mixed_7c", 2048),
]


@functools.lru_cache
def tensors(seed=0):
    """Random weights and batch-norm statistics by name, float32, under which activations keep their size."""
    draw = np.random.default_rng(seed)
    drawn = {}
    for name, channels, features, height, width in LAYERS:
        kernel = draw.standard_normal((features, channels, height, width), np.float32)
        drawn[f"{name}.conv.weight"] = kernel * np.sqrt(2 / (channels * height * width), dtype=np.float32)
        drawn[f"{name}.bn.weight"] = draw.uniform(0.7, 1.4, features).astype(np.float32)
        drawn[f"{name}.bn.bias"] = draw.normal(0, 0.3, features).astype(np.float32)
        drawn[f"{name}.bn.running_mean"] = draw.normal(0, 0.3, features).astype(np.float32)
        drawn[f"{name}.bn.running_var"] = draw.uniform(0.4, 1.6, features).astype(np.float32)
    drawn["fc.weight"] = draw.normal(0, 0.03, (1008, 2048)).astype(np.float32)
    drawn["fc.bias"] = draw.normal(0, 0.3, 1008).astype(np.float32)
    return drawn


def _windows(x, height, width, step=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(1, 2))
    return windows[:, ::step, ::step]


def _padded(x, height, width, value=0.0):
    high, wide = height // 2, width // 2
    return np.pad(x, ((0, 0), (high, high), (wide, wide)), constant_values=value)


def shrink(x):
    """Maximum over 3x3 pixels in steps of 2, inside the image only."""
    return _windows(x, 3, 3, 2).max(axis=(3, 4))


def average(x):
    """Mean over those of 3x3 pixels that are in the image."""
    count = _windows(_padded(np.ones_like(x), 3, 3), 3, 3).sum(axis=(3, 4))
    return _windows(_padded(x, 3, 3), 3, 3).sum(axis=(3, 4)) / count


def maximum(x):
    """Maximum over those of 3x3 pixels that are in the image."""
    return _windows(_padded(x, 3, 3, -np.inf), 3, 3).max(axis=(3, 4))


def network(weights, x):
    """The outputs for one image of pixels in [-1, 1], [3, 299, 299], as a dict of vectors."""

    def conv(x, name, step=1, pad=True):
        kernel = np.float64(weights[f"{name}.conv.weight"])
        x = _padded(x, *kernel.shape[2:]) if pad else x
        x = np.einsum("chwij,ocij->ohw", _windows(x, *kernel.shape[2:], step), kernel, optimize=True)
        gamma, beta, mean, variance = (
            np.float64(weights[f"{name}.bn.{part}"])[:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return np.maximum(gamma * (x - mean) / np.sqrt(variance + 0.001) + beta, 0)

    def chain(x, block, *names):
        for name in names:
            x = conv(x, f"{block}.{name}")
        return x

    def block_a(x, block):
        return np.concatenate(
            [
                chain(x, block, "branch1x1"),
                chain(x, block, "branch5x5_1", "branch5x5_2"),
                chain(x, block, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
                chain(average(x), block, "branch_pool"),
            ]
        )

    def block_c(x, block):
        return np.concatenate(
            [
                chain(x, block, "branch1x1"),
                chain(x, block, *(f"branch7x7_{i}" for i in (1, 2, 3))),
                chain(x, block, *(f"branch7x7dbl_{i}" for i in (1, 2, 3, 4, 5))),
                chain(average(x), block, "branch_pool"),
            ]
        )

    def block_e(x, block, pool):
        three = chain(x, block, "branch3x3_1")
        double = chain(x, block, "branch3x3dbl_1", "branch3x3dbl_2")
        return np.concatenate(
            [
                chain(x, block, "branch1x1"),
                chain(three, block, "branch3x3_2a"),
                chain(three, block, "branch3x3_2b"),
                chain(double, block, "branch3x3dbl_3a"),
                chain(double, block, "branch3x3dbl_3b"),
                chain(pool(x), block, "branch_pool"),
            ]
        )

    outputs = {}
    x = conv(np.float64(x), "Conv2d_1a_3x3", step=2, pad=False)
    x = shrink(conv(conv(x, "Conv2d_2a_3x3", pad=False), "Conv2d_2b_3x3"))
    x = shrink(conv(conv(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", pad=False))
    outputs["features_192"] = x.mean(axis=(1, 2))
    for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        x = block_a(x, block)
    double = chain(x, "Mixed_6a", "branch3x3dbl_1", "branch3x3dbl_2")
    strided = [
        conv(x, "Mixed_6a.branch3x3", step=2, pad=False),
        conv(double, "Mixed_6a.branch3x3dbl_3", step=2, pad=False),
    ]
    x = np.concatenate([*strided, shrink(x)])
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = block_c(x, block)
    outputs["features_768"] = x.mean(axis=(1, 2))
    three = chain(x, "Mixed_7a", "branch3x3_1")
    seven = chain(x, "Mixed_7a", "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3")
    strided = [
        conv(three, "Mixed_7a.branch3x3_2", step=2, pad=False),
        conv(seven, "Mixed_7a.branch7x7x3_4", step=2, pad=False),
    ]
    x = np.concatenate([*strided, shrink(x)])
    x = block_e(block_e(x, "Mixed_7b", average), "Mixed_7c", maximum)
    outputs["features_2048"] = x.mean(axis=(1, 2))
    outputs["logits_unbiased"] = np.float64(weights["fc.weight"]) @ outputs["features_2048"]
    outputs["logits"] = outputs["logits_unbiased"] + weights["fc.bias"]
    return outputs
