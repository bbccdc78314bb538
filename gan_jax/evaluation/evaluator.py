"""Metrics of generated images against real ones, each beside its floor.

A metric is to two sets of images what a term is to a game: its positional parameters name what it reads from
a table. `real_...` is the reference set, `heldout_...` real images that training never saw, `fake_...` the
generated ones; each has `features`, `class_logits`, `labels`, `images`. `label_logits` are class logits of
the data's own classes: Inception's are ImageNet's, and say nothing of labels. What nobody reads is never
computed.
"""

import functools

import jax
import numpy as np

from gan_jax import metrics as metrics_lib
from gan_jax.data import source as source_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.features.extract import extractor
from gan_jax.names import bind, find
from gan_jax.terms import reads

# Metrics of pixels look at so many images, at most.
IMAGES = 10_000
READ = 256  # at a time
# What the literature calls a metric of the standard Inception features, and nothing else.
STANDARD = {"fid": "frechet_distance", "fid_infinity": "frechet_distance_infinity", "kid": "kernel_distance"}
# The Inception score of another classifier is no Inception score.
OTHER = {"classifier_score": "inception_score"}
# Metrics whose papers compare equally large sets; the sets are in random order.
EQUALLY_MANY = (metrics_lib.precision_recall, metrics_lib.density_coverage)
# What takes seconds and says most.
QUICK = (
    "frechet_distance",
    "kernel_distance",
    "precision_recall",
    "density_coverage",
    "captured_modes",
    "modes",
    "uniform_modes_kl",
    "label_agreement",
    "memorisation",
)


class SampleSet:
    """One set of images, in an order drawn at random, and what is computed of it when first asked for.

    Attributes:
        source: The Source.
        features: The Features.
        extract: From `extractor`.
        classes: Number of classes of the real data, 0 if it has none.
        order: Row numbers in that order.
    """

    def __init__(self, source, features, extract, seed, classes):
        self.source, self.features, self.extract, self.classes = source, features, extract, classes
        self.order = np.random.default_rng([seed, source.size]).permutation(source.size)

    @functools.cached_property
    def outputs(self):
        """`features`, `class_logits` and `labels` of every image by name, NumPy arrays [N, ...]."""
        return {name: array[self.order] for name, array in self.extract(self.source).items()}

    @functools.cached_property
    def labels(self):
        """Classes of every image, int32 [N]; they alone are no reason to run the features."""
        if "outputs" in vars(self):
            return self.outputs["labels"]
        return source_lib.labels(self.source, self.order)

    @functools.cached_property
    def images(self):
        """The first of the images, uint8 [n, H, W, C]."""
        rows = self.order[:IMAGES]
        ranked = np.argsort(rows)
        parts = np.array_split(rows[ranked], -(-len(rows) // READ))
        return np.concatenate([self.source.read(part)["images"] for part in parts])[np.argsort(ranked)]

    def offers(self, name, cut=lambda array: array):
        """What this side puts on the table as `<name>_...`: by name, a function of nothing.

        Args:
            name: `real`, `heldout` or `fake`.
            cut: Function from an array [N, ...] to the part of it to show.

        Returns:
            Dict of functions.
        """
        shape = (1, self.source.resolution, self.source.resolution, self.source.channels)
        gives = jax.eval_shape(
            self.features.apply, self.features.params, jax.ShapeDtypeStruct(shape, np.float32)
        )
        pieces = {piece: piece for piece in gives}
        if "class_logits" in gives and gives["class_logits"].shape[1] == self.classes:
            pieces["label_logits"] = "class_logits"
        offered = {
            f"{name}_{called}": lambda piece=piece: cut(self.outputs[piece])
            for called, piece in pieces.items()
        }
        if self.source.classes:
            offered[f"{name}_labels"] = lambda: cut(self.labels)
        # Metrics of pixels read `..._images`, which other kinds of data do not have.
        kind = self.source.kind.rpartition(".")[2]
        return {**offered, f"{name}_{kind}": lambda: cut(self.images)}


class Evaluator:
    """Judges any number of generated sets against one real one, of which everything is computed once.

    Attributes:
        real: The SampleSet to compare with.
        heldout: The SampleSet that training never saw, or None.
        features: The Features.
        seed: Of everything random in the metrics.
        classes: Number of classes of the real data, 0 if it has none.
    """

    def __init__(self, real, heldout, features, *, seed=0):
        self.features, self.seed, self.extract = features, seed, extractor(features)
        self.classes = len(real.classes)
        self.real = self.side(real)
        self.heldout = heldout and self.side(heldout)
        self.real_baselines = {}

    def __call__(self, metrics, fake, extras=None):
        """Judges one generated set.

        Args:
            metrics: From `select`.
            fake: The Source.
            extras: More that metrics may read, by name: functions of nothing.

        Returns:
            By name of a value, a dict of `value` and, where there is one, `real_baseline`.

        Raises:
            UsageError: Sets that cannot be compared, or a metric that reads what there is not.
        """
        table = self.table(fake, extras)
        self.check(metrics, table)
        judged = {}
        for called, metric in metrics.items():
            real_baseline = self._real_baseline(called, metric, fake.size)
            for name, value in self._values(metric, table).items():
                judged[name] = {
                    "value": value,
                    **({"real_baseline": real_baseline[name]} if name in real_baseline else {}),
                }
        return judged

    def check(self, metrics, table):
        """Makes sure that every metric finds what it reads.

        Args:
            metrics: From `select`.
            table: From `table`.

        Raises:
            UsageError: One does not.
        """
        for name, metric in metrics.items():
            for read in reads(metric):
                if read not in table:
                    raise unknown(f"metrics: {name} reads what there is not", read, table)

    def labels(self, size):
        """Labels in the shares that they have in the real data, int32 [size]."""
        drawn = np.random.default_rng([self.seed, size]).choice(self.real.labels, size)
        return drawn.astype(np.int32)

    def side(self, source):
        """A set of images as this judge sees it."""
        return SampleSet(source, self.features, self.extract, self.seed, self.classes)

    def table(self, fake, extras=None):
        """What metrics of a generated set may read: by name, functions of nothing."""
        self._check_alike(fake)
        sides = {"real": self.real, "fake": self.side(fake)}
        if self.heldout:
            sides["heldout"] = self.heldout
        offered = [side.offers(name) for name, side in sides.items()]
        return functools.reduce(dict.__or__, offered, {"seed": lambda: self.seed, **(extras or {})})

    def real_baseline(self, size):
        """The table with real images in the place of the generated ones: what a perfect model would get.

        They are held-out ones if there are some, else half of the real ones, compared with the other half.

        Args:
            size: Number of generated images.

        Returns:
            By name, functions of nothing.
        """
        if self.heldout:
            sides = self.real.offers("real") | self.heldout.offers("fake", lambda array: array[:size])
        else:
            halves = self.real.offers("fake", lambda array: array[: len(array) // 2][:size])
            sides = halves | self.real.offers("real", lambda array: array[len(array) // 2 :])
        return {"seed": lambda: self.seed, **sides}

    def real_baseline_size(self, size):
        """Real images in the place of so many generated ones."""
        return min(size, self.heldout.source.size if self.heldout else self.real.source.size // 2)

    def _real_baseline(self, called, metric, size):
        """A metric's values for real images, computed once; empty where there is no such thing."""
        if (called, size) not in self.real_baselines:
            table = self.real_baseline(size)
            possible = set(reads(metric)) <= set(table)
            self.real_baselines[called, size] = self._values(metric, table) if possible else {}
        return self.real_baselines[called, size]

    def _values(self, metric, table):
        """A metric's values by the names that these features give them."""
        values = metric(*(table[name]() for name in reads(metric)))
        return {_shown(name, self.features): float(value) for name, value in values.items()}

    def _check_alike(self, fake):
        """Images of two sizes have no distance."""
        here, there = (
            (source.resolution, source.resolution, source.channels) for source in (fake, self.real.source)
        )
        if here != there:
            raise UsageError(
                f"{fake.name} has images of {'x'.join(map(str, here))}, {self.real.source.name} of "
                f"{'x'.join(map(str, there))}; give one --resolution, and images of the same channels"
            )


def _names(features):
    """Names that only values of these features may have, with the functions behind them."""
    return STANDARD if features.standard else OTHER


def _shown(name, features):
    """A value's name, such as `fid` for the Frechet distance of Inception features."""
    for shown, function in _names(features).items():
        if name in (function, f"{function}_spread"):
            return shown + name[len(function) :]
    return name


def select(names, table, features):
    """Metrics by name, their hyperparameters bound.

    Args:
        names: Dict from a function of `gan_jax.metrics`, a dotted path, or `fid`, `kid`, `fid_infinity`, to
            hyperparameters, or a sequence of such names. `all` stands for every one of the library that the
            table has everything for, `quick` for those of them that take seconds.
        table: From `Evaluator.table`.
        features: The Features.

    Returns:
        Dict from names to functions.

    Raises:
        UsageError: An unknown name, or one that is not for these features.
    """
    many = {"all": metrics_lib.METRICS, "quick": QUICK}
    selected = {}
    for name, given in (names if isinstance(names, dict) else dict.fromkeys(names, {})).items():
        listed = [_shown(each, features) for each in many[name]] if name in many else [name]
        functions = {each: _chosen(each, given, features) for each in listed}
        possible = {each: f for each, f in functions.items() if set(reads(f)) <= set(table)}
        selected |= possible if name in many else functions
    return selected


def _chosen(name, given, features):
    """One metric of `select`."""
    standard = {**STANDARD, "inception_score": "inception_score"}
    if name in standard and not features.standard:
        other = {function: other for other, function in OTHER.items()}.get(name, standard[name])
        raise UsageError(
            f"metrics: {name} is by definition of Inception features, and these are the {features.name}; "
            f"give --features=inception, or ask for {other}"
        )
    function = find(_names(features).get(name, name), (metrics_lib,), "metrics")
    bound = functools.partial(function, **bind(function, given, f"metrics.{name}", reads(function)))
    return _equally_many(bound) if function in EQUALLY_MANY else bound


def _equally_many(metric):
    """A metric of two sets of features that is shown as many of the one as of the other."""

    def compare(real_features, fake_features):
        count = min(len(real_features), len(fake_features))
        return metric(real_features[:count], fake_features[:count])

    return compare
