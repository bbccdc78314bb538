"""The records that everything is made of: plain tuples of pure functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

# Where a network that grows finds in its carry how far the newest level has replaced the one before, float32
# in [0, 1]: a collection and its entry.
FADE = ("progress", "fade")


class Net(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: `(key, *inputs) -> (params, carry)`. The carry holds arrays that the network owns but does not
            train: batch statistics, spectral-norm vectors.
        apply: `(params, carry, *inputs, key, train) -> (outputs, carry)`.
        multiple: Height and width of its images are multiples of so many pixels.
        radius: A pixel of the output depends on so many pixels of the input on each side; None if on all of
            it.
    """

    init: Callable[..., tuple[Any, Any]]
    apply: Callable[..., tuple[Any, Any]]
    multiple: int = 1
    radius: int | None = None


class Modality(NamedTuple):
    """How rows of one data set are decoded, encoded and shown. Nothing else knows what a row means.

    Attributes:
        spec: Shape and dtype of one row as stored, by name. `real` is the entry that a game learns to
            generate; `label` is a class; others are conditions, such as `source`, `mask` or `time`.
        facts: Facts that networks may ask for by name, such as `resolution`, `channels`, `classes`.
        unit: Plural noun for many rows, in log lines and in names of metrics' inputs: `images`.
        decode: Function, inside `jit`, from stored rows by name, arrays [..., *shape], to the arrays that
            networks see, by the same names.
        encode: Function, inside `jit`, from a network's samples [..., *shape] to rows as `real` is stored.
        preview: `(rows, behind, columns=0) -> picture`, uint8 [H, W, 1 or 3]: one picture of many stored
            rows. `behind` returns other rows, such as real ones, to draw behind them, and is called only
            where the picture has a place for these; `columns` is for modalities that have tiles.
        save: `(stem, rows) -> endings`: writes rows as the files that people open, the stem with these
            endings, such as `(".png",)`; the folder is made, but not the folder above that.
        flip: `(key, batch) -> batch`, inside `jit`: mirrors decoded rows at random, every entry of a row
            alike. None where mirroring makes no sense.
        save_one: `(stem, row) -> endings`: writes one row, [*shape], as files of its own. None means `save`
            of one row.
    """

    spec: dict[str, jax.ShapeDtypeStruct]
    facts: dict[str, Any]
    unit: str
    decode: Callable[[dict], dict]
    encode: Callable[[jax.Array], jax.Array]
    preview: Callable[..., np.ndarray]
    save: Callable[[str, np.ndarray], tuple[str, ...]]
    flip: Callable[[jax.Array, dict], dict] | None = None
    save_one: Callable[[str, np.ndarray], tuple[str, ...]] | None = None


class Context(NamedTuple):
    """Everything that a player may look at in its move.

    Attributes:
        params: Parameters by player.
        carry: Carry by player.
        batch: Decoded rows by name, arrays [B, ...]: `real`, and the data's other entries, such as `label`
            int32 [B].
        key: Random key of the move, the same for the k-th moves of all players.
        step: Steps taken so far, int32.
    """

    params: dict
    carry: dict
    batch: dict
    key: Any
    step: Any


class Game(NamedTuple):
    """What the players see of each other; their losses are no part of a game.

    Attributes:
        init: `(key, batch) -> (params, carry)`, both by player. A player may own several networks; its
            params are then a dict of theirs.
        play: `context -> (outputs, carry)`. The outputs offer by name everything that a term may read; the
            carry, by player, is the one to keep if that player is the one that moves.
        sample: `(params, carry, latents, batch, key) -> samples` [count, ...], as networks see rows.
        draw: `(key, count) -> latents`, any pytree of arrays [count, ...]; None for a game without latents,
            whose `sample` gets None.
        conditions: Names of the batch's entries that `sample` reads, such as `label` or `source`.
        preview: `(params, carry, batch, key) -> samples`, what a grid shows, as many as the batch has rows:
            its entries are those of real rows, but one `label` a row of the grid. None shows plain samples.
        encode: `(params, carry, batch, key) -> latents` [B, size] of the batch's `real` rows; None without
            an encoder.
        backward: As `sample`, but from the batch's `real` rows to rows like its `source`; None if there is no
            way back.
        multiple: `sample` takes a `source` whose height and width are multiples of so many pixels.
        radius: A pixel of a sample depends on so many pixels of the `source` on each side; None if it depends
            on all of it.
    """

    init: Callable[..., tuple[dict, dict]]
    play: Callable[[Context], tuple[dict, dict]]
    sample: Callable[..., Any]
    draw: Callable[..., Any] | None = None
    conditions: tuple[str, ...] = ()
    preview: Callable[..., Any] | None = None
    encode: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    multiple: int = 1
    radius: int | None = None


class Term(NamedTuple):
    """One summand of a player's loss.

    Attributes:
        fn: Its positional parameters name the game's outputs that it reads; `params` are the mover's own.
        weight: A number, or an optax schedule: a function of the step.
        every: Computed in every n-th step only, and then n times as strongly.
    """

    fn: Callable[..., Any]
    weight: Any = 1.0
    every: int = 1


class Augment(NamedTuple):
    """A random change of samples between generator or data and discriminator.

    Attributes:
        init: `() -> carry`: arrays that it owns but does not train, such as ADA's probability.
        apply: `(carry, key, samples, step) -> samples`; differentiable, each sample on its own.
        adapt: `(carry, real_logits, count) -> carry`, once in every move of the discriminator; `count` is the
            number of real samples, of which a logit may judge several.
        mix: `(carry, key, real, fake) -> real`: the samples that the discriminator sees as real.
    """

    init: Callable[[], Any]
    apply: Callable[..., Any]
    adapt: Callable[..., Any]
    mix: Callable[..., Any] = lambda carry, key, real, fake: real


class Degradation(NamedTuple):
    """How a `source` is made worse, or made at all: the question to which `real` is the answer.

    Attributes:
        apply: `(key, entries) -> entries` of one sample, under `jit` and `vmap`, a function of the key alone:
            `real` [H, W, C] and `source` [h, w, c], float32 in [-1, 1], the source the real image at first,
            and perhaps `mask`, float32 [h, w, 1], 1 where pixels of the source are missing.
        margin: A pixel of the source depends on so many pixels of the source before on each side. Where
            images are cropped, so much more is cropped first if there is so much.
        factor: The source becomes so many times lower and narrower.
    """

    apply: Callable[..., dict]
    margin: int = 0
    factor: int = 1

    def __call__(self, key: jax.Array, entries: dict) -> dict:
        """The entries after it."""
        return self.apply(key, entries)
