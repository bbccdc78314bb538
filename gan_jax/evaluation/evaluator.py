"""Metrics of generated samples against real ones, each beside its real baseline.

A metric reads two sets of samples as a term reads a game's outputs: its positional parameters name its
inputs. `real_...` is the reference set, `heldout_...` real samples that training never saw, `fake_...` the
generated ones; each has `features`, `class_logits`, `labels`, and its stored rows under the unit of its
modality, such as `real_images`. Samples that were made of other rows have these as `source_images`, perhaps
`masks`, and if the data is paired `target_images`, what they should be. `label_logits` are class logits of
the data's own classes: those of Inception are ImageNet's. An input that no metric reads is never computed.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import build
from gan_jax import metrics as metrics_lib
from gan_jax.data import classes as classes_lib
from gan_jax.data import source as source_lib
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features.extract import extractor
from gan_jax.features.types import Features
from gan_jax.names import bind, find
from gan_jax.sampling.samples import Conditions
from gan_jax.seams import guarded
from gan_jax.terms import call, missing, reads

# A metric of stored rows reads so many at most, and of everything else about their set as much.
ROWS = 10_000
READ = 256  # at a time
# The stream of random numbers that chooses conditions.
CONDITIONS = 1
_TRAITS = metrics_lib.TRAITS.items()
# The literature's names for metrics of the standard Inception features, and of no others.
STANDARD = {traits.inception_name: metric.__name__ for metric, traits in _TRAITS if traits.inception_name}
# The Inception score of another classifier is not an Inception score.
OTHER = {traits.other_name: metric.__name__ for metric, traits in _TRAITS if traits.other_name}
# Metrics whose papers compare sets of equal size; the sets are in random order.
EQUALLY_MANY = tuple(metric for metric, traits in _TRAITS if traits.equally_many)
# Sets of samples, the first words of their inputs' names.
SETS = ("real", "heldout", "fake")
# Entries of generated rows besides the samples, the first words of inputs' names, which belong to that set.
ENTRIES = ("source", "target", "masks")
# Fast metrics that say most; the default.
QUICK = tuple(metric.__name__ for metric, traits in _TRAITS if traits.quick)


class Unavailable(NamedTuple):
    """An input of metrics that cannot be had; calling it raises a UsageError.

    Attributes:
        reason: Why, in one line for people.
    """

    reason: str

    def __call__(self) -> Any:
        """Raises the UsageError."""
        raise UsageError(self.reason)


class SampleSet:
    """One set of samples in a random order; everything computed from it is computed when first needed.

    Attributes:
        source: The Source.
        order: Row numbers in that order.
    """

    def __init__(
        self,
        source: Source,
        extract: Callable[[Source], dict[str, np.ndarray]],
        outputs: Mapping[str, jax.ShapeDtypeStruct],
        seed: int,
        classes: int,
    ) -> None:
        """Describes the set; reads nothing.

        Args:
            source: The Source.
            extract: Function from a Source to the features' outputs of its rows.
            outputs: Shapes and dtypes of the features' outputs for one row.
            seed: Of the order.
            classes: Number of classes of the real data, 0 if it has none.
        """
        self.source, self._extract, self._shapes, self._classes = source, extract, outputs, classes
        self.order = np.random.default_rng([seed, source.size]).permutation(source.size)

    @functools.cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        """`features`, `class_logits` and `labels` of every row by name, arrays [N, ...]."""
        return {name: array[self.order] for name, array in self._extract(self.source).items()}

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Classes of every row, int32 [N]; computed without features."""
        if "outputs" in vars(self):
            return self.outputs["labels"]
        return source_lib.labels(self.source, self.order)

    @functools.cached_property
    def rows(self) -> dict[str, np.ndarray]:
        """The first stored rows by name, arrays [n, *shape]."""
        return self._read(np.arange(min(ROWS, self.source.size)))

    def _read(self, places):
        """Stored rows by name at places of the order."""
        rows = self.order[places]
        ranked = np.argsort(rows)
        parts = [self.source.read(part) for part in np.array_split(rows[ranked], -(-len(rows) // READ))]
        back = np.argsort(ranked)
        return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}

    def _first(self, places):
        """The first stored rows of `real` among some places, which are also those of features and labels."""
        places = places[:ROWS]
        known = np.max(places, initial=0) < ROWS
        return self.rows["real"][places] if known else self._read(places)["real"]

    def offers(
        self, name: str, cut: Callable[[np.ndarray], np.ndarray] = lambda array: array
    ) -> dict[str, Callable[[], Any]]:
        """The set's inputs of metrics, `<name>_...`, as functions without arguments.

        Args:
            name: `real`, `heldout` or `fake`.
            cut: Function from an array [N, ...] to the part of it to use.

        Returns:
            Functions by name.
        """
        outputs = {output: output for output in self._shapes}
        if "class_logits" in outputs and self._shapes["class_logits"].shape[1] == self._classes:
            outputs["label_logits"] = "class_logits"

        def part(output):
            return lambda: cut(self.outputs[output])

        offered = {f"{name}_{alias}": part(output) for alias, output in outputs.items()}
        if "label" in self.source.spec and "real" in self.source.label_of:
            offered[f"{name}_labels"] = lambda: cut(self.labels)
        offered[f"{name}_{self.source.modality.unit}"] = lambda: self._first(cut(np.arange(self.source.size)))
        return offered

    def entries(self) -> dict[str, Callable[[], Any]]:
        """What the samples of this set were made of, and should be, by the names that metrics read."""
        unit = self.source.modality.unit
        names = {"source": f"source_{unit}", "target": f"target_{unit}", "mask": "masks"}
        known = {named: entry for entry, named in names.items() if entry in self.source.spec}
        return {named: functools.partial(self._entry, entry) for named, entry in known.items()}

    def _entry(self, name):
        return self.rows[name]


def of_equal_length(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What one metric reads, with the arrays of each set cut to the same rows.

    Args:
        inputs: Values by the names of a metric's inputs; arrays of one set are in the same order, but stored
            rows may be the first of them only.

    Returns:
        The same, arrays of one set [n, ...] with one n.
    """
    counts: dict[str, int] = {}
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and (owner := _owner(name)):
            counts[owner] = min(len(value), counts.get(owner, len(value)))
    return {
        name: value[: counts[_owner(name)]] if isinstance(value, np.ndarray) and _owner(name) else value
        for name, value in inputs.items()
    }


def _owner(name):
    """The set that an input of metrics belongs to, or empty."""
    first = name.partition("_")[0]
    return "fake" if first in ENTRIES else first if first in SETS else ""


class Evaluator:
    """Evaluates generated sets against one real set, whose part of the work is done once.

    Classes are matched by name: every set's labels are numbers of the real set's classes.

    Attributes:
        real: The SampleSet to compare with.
        heldout: The SampleSet that training never saw, or None.
        modality: Of both.
        network: The Features as they were given, perhaps not loaded.
        outputs: Shapes and dtypes of the features' outputs for one sample, by name.
        seed: Seed of everything random in the metrics.
    """

    def __init__(self, real: Source, heldout: Source | None, features: Features, *, seed: int = 0) -> None:
        """Describes the comparison; computes nothing.

        Args:
            real: The reference set.
            heldout: Real rows that training never saw, or None.
            features: The Features; they are loaded when first needed.
            seed: Seed of everything random in the metrics.

        Raises:
            UsageError: Held-out rows are of a class that the reference set does not have.
        """
        self.seed, self.modality, self.network = seed, real.modality, features
        self._classes = real.classes
        self._baselines: dict[tuple[str, int], dict[str, float] | str] = {}
        sample = build.blank(self.modality, 1)["real"]
        self.outputs = jax.eval_shape(features.apply, features.params, sample)
        self.real = self.sample_set(real)
        alike = heldout and classes_lib.aligned(heldout, self._classes, real.name)
        self.heldout = self.sample_set(alike) if alike else None

    @functools.cached_property
    def features(self) -> Features:
        """The features, loaded: the first use may train a classifier."""
        return self.network.loaded()

    @functools.cached_property
    def _extract(self):
        return extractor(self.features, self.modality)

    def __call__(
        self,
        metrics: Mapping[str, Callable[..., dict]],
        fake: Source,
        extras: Mapping[str, Callable[[], Any]] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Evaluates one generated set.

        Args:
            metrics: From `select`.
            fake: The generated set.
            extras: More inputs of metrics by name: functions without arguments.

        Returns:
            By name of a value, a dict of `value` and, where there is one, `real_baseline`. Where held-out
            rows cannot give one, `no_real_baseline` says why.

        Raises:
            UsageError: Sets that cannot be compared, or a metric whose input is not available.
        """
        inputs = self.inputs(fake, extras)
        self.check(metrics, inputs)
        results: dict[str, dict[str, Any]] = {}
        for label, metric in metrics.items():
            values, baseline = self._values(metric, inputs), self._baseline(label, metric, fake.size)
            for name, value in values.items():
                results[name] = {"value": value}
                if isinstance(baseline, str):
                    results[name]["no_real_baseline"] = baseline
                elif name in baseline:
                    results[name]["real_baseline"] = baseline[name]
        return results

    def check(self, metrics: Mapping[str, Callable[..., dict]], inputs: Mapping[str, Any]) -> None:
        """Makes sure that the inputs of every metric are available.

        Args:
            metrics: From `select`.
            inputs: From `inputs`.

        Raises:
            UsageError: One is not.
        """
        for name, metric in metrics.items():
            for read in reads(metric):
                if read not in inputs:
                    reason = f": {self._unpaired}" if read.startswith("target_") and self._unpaired else ""
                    raise missing(f"metric {name}", read, inputs, f"which is not available here{reason}")
                if isinstance(inputs[read], Unavailable):
                    raise UsageError(f"metric {name}: {inputs[read].reason}")

    def conditions(self, names: Sequence[str], size: int) -> Conditions:
        """Conditions of generated samples: those of real rows.

        Labels alone are drawn at random, in the shares that they have in the reference set. Conditions that
        are data, such as `source`, come from rows that training never saw, if there are some: from each once,
        in random order, before any comes again.

        Args:
            names: The game's conditions.
            size: Number of generated samples.

        Returns:
            Function from row numbers below `size` to the conditions, arrays [N, *shape] by name; with
            `target`, the rows' own `real`, if the data is paired, and with `label`, if that is the class of
            the rows' `source`, which their translations should keep.
        """
        if not names:
            return lambda rows: {}
        of_data = [name for name in names if name != "label"]
        rows = (self.heldout or self.real) if of_data else self.real
        if of_data:
            drawn = np.arange(size) % rows.source.size
        else:
            # The order of a set of as many samples comes from `[seed, size]`.
            drawn = np.random.default_rng([self.seed, size, CONDITIONS]).choice(rows.source.size, size)
        labels = rows.labels[drawn].astype(np.int32) if "label" in names else None
        read = {name: name for name in of_data}
        if of_data and not self._unpaired:
            read["target"] = "real"
        if "source" in of_data and "label" in rows.source.spec and "source" in rows.source.label_of:
            read["label"] = "label"

        def conditions(places):
            entries = rows.source.read(rows.order[drawn[places]]) if of_data else {}
            known = {} if labels is None else {"label": labels[places]}
            return {**{name: entries[entry] for name, entry in read.items()}, **known}

        return conditions

    @property
    def _unpaired(self) -> str:
        """Why a row's `source` does not say what its `real` is; empty if it does."""
        paired = self.real.source.facts.get("paired", "all")
        if paired == "all" or paired == "heldout" and self.heldout:
            return ""
        return f"{self.real.source.name} has no pairs of a source and its target"

    def sample_set(self, source: Source) -> SampleSet:
        """A data set as this evaluator reads it."""
        count = len(self._classes)
        return SampleSet(source, lambda source: self._extract(source), self.outputs, self.seed, count)

    def inputs(
        self, fake: Source, extras: Mapping[str, Callable[[], Any]] | None = None
    ) -> dict[str, Callable[[], Any]]:
        """The inputs of metrics of a generated set by name: functions without arguments.

        Labels of classes that are not those of the real set are Unavailable.
        """
        self._check_alike(fake)
        fake, reason = self._labelled(fake)
        sets = {"real": self.real, "fake": self.sample_set(fake)}
        if self.heldout:
            sets["heldout"] = self.heldout
        offered: dict[str, Any] = {"seed": lambda: self.seed, **(extras or {})}
        for name, each in sets.items():
            offered |= each.offers(name)
        offered |= sets["fake"].entries()
        if reason:
            offered["fake_labels"] = Unavailable(reason)
        return offered

    def baseline_inputs(self, size: int) -> dict[str, Callable[[], Any]]:
        """The inputs of metrics with held-out samples as the generated ones: the result of a perfect model.

        They are as many as the generated ones and are compared with the same real set, so that the sizes of
        both sets, on which the values of many metrics depend, are those of the generated set's comparison.

        Args:
            size: Number of generated samples.

        Returns:
            Functions without arguments by name; none if there is a `baseline_obstacle`.
        """
        if self.heldout is None or self.baseline_obstacle(size):
            return {}
        heldout = self.heldout.offers("fake", lambda array: array[:size])
        return {"seed": lambda: self.seed, **self.real.offers("real"), **heldout}

    def baseline_obstacle(self, size: int) -> str:
        """Why no metric has a real baseline.

        Args:
            size: Number of generated samples.

        Returns:
            One line for people; empty if there are baselines.
        """
        if self.heldout is None:
            return f"no rows of {self.real.source.name} are held out, so there is no honest baseline"
        count, unit = self.heldout.source.size, self.modality.unit
        if count < size:
            return f"{count} {unit} are held out, fewer than the {size} generated ones"
        return ""

    def usual_size(self, most: int) -> int:
        """The number of samples to generate: as many as are held out, or as there are real ones if none are.

        Args:
            most: The largest number.

        Returns:
            The number, at most `most`.
        """
        return min(most, (self.heldout or self.real).source.size)

    def _labelled(self, fake):
        """A generated set with labels of the real set's classes, or without labels and with the reason."""
        try:
            return classes_lib.aligned(fake, self._classes, self.real.source.name), ""
        except UsageError as error:
            return source_lib.without_labels(fake), str(error)

    def _baseline(self, label, metric, size):
        """A metric's values for held-out samples, computed once; empty without an input, or the reason."""
        if (label, size) not in self._baselines:
            inputs = self.baseline_inputs(size)
            possible = set(reads(metric)) <= set(inputs)
            try:
                self._baselines[label, size] = self._values(metric, inputs) if possible else {}
            except UsageError as error:  # The generated set may well have a value.
                self._baselines[label, size] = str(error)
        return self._baselines[label, size]

    def _values(self, metric, inputs):
        """A metric's values by the names that these features give them."""
        values = call(metric, of_equal_length({name: inputs[name]() for name in reads(metric)}))
        return {_shown(name, self.network): float(value) for name, value in values.items()}

    def _check_alike(self, fake):
        """Samples of two shapes have no distance."""
        here, there = fake.spec["real"], self.real.source.spec["real"]
        if (here.shape, here.dtype) != (there.shape, there.dtype):
            raise UsageError(
                f"{fake.name} has {self.modality.unit} of {'x'.join(map(str, here.shape))}, "
                f"{self.real.source.name} of {'x'.join(map(str, there.shape))}; give one --resolution, and "
                f"{self.modality.unit} of the same channels"
            )


def _names(features: Features) -> dict[str, str]:
    """Names that only values of these features may have, with the functions behind them."""
    return STANDARD if features.standard else OTHER


def _shown(name: str, features: Features) -> str:
    """A value's name, such as `fid` for the Frechet distance of Inception features."""
    for shown, function in _names(features).items():
        if name in (function, f"{function}_spread"):
            return shown + name[len(function) :]
    return name


def select(
    names: Mapping[str, dict] | Sequence[str], inputs: Mapping[str, Any], features: Features
) -> dict[str, Callable[..., dict]]:
    """Metrics by name, their hyperparameters bound.

    Args:
        names: Dict from a function of `gan_jax.metrics`, a dotted path, or `fid`, `kid`, `fid_infinity`, to
            hyperparameters, or a sequence of such names. `all` stands for every metric of the library whose
            inputs are available, `quick` for the fast ones among them.
        inputs: From `Evaluator.inputs`.
        features: The Features.

    Returns:
        Dict from names to functions.

    Raises:
        UsageError: An unknown name, or one that is not for these features.
    """
    many = {"all": metrics_lib.METRICS, "quick": QUICK}
    selected: dict[str, Callable[..., dict]] = {}
    for name, options in (names if isinstance(names, dict) else dict.fromkeys(names, {})).items():
        listed = [_shown(each, features) for each in many[name]] if name in many else [name]
        functions = {each: _chosen(each, options, features) for each in listed}
        possible = {each: f for each, f in functions.items() if set(reads(f)) <= set(inputs)}
        selected |= possible if name in many else functions
    return selected


def _chosen(name, options, features):
    """One metric of `select`."""
    standard = {**STANDARD, "inception_score": "inception_score"}
    if name in standard and not features.standard:
        other = {function: other for other, function in OTHER.items()}.get(name, standard[name])
        raise UsageError(
            f"metrics: {name} is by definition of Inception features, and these are the {features.name}; "
            f"give --features=inception, or ask for {other}"
        )
    function = find(_names(features).get(name, name), (metrics_lib,), "metrics")
    bound = functools.partial(function, **bind(function, options, f"metrics.{name}", reads(function)))
    metric = guarded(bound, f"metric {name}", _is_values)
    return _equally_many(metric) if function in EQUALLY_MANY else metric


def _is_values(result):
    """The check of what a metric returns."""
    right = isinstance(result, dict) and all(np.ndim(value) == 0 for value in result.values())
    return "" if right else "a dict of numbers by name"


def _equally_many(metric):
    """A metric of two sets of features that is shown as many of the one as of the other."""

    def compare(real_features, fake_features):
        count = min(len(real_features), len(fake_features))
        return metric(real_features[:count], fake_features[:count])

    return compare
