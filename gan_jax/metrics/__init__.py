"""Metrics as pure functions of features, logits or images: each returns a dict of named floats.

`TRAITS` is the only list of them. A new metric needs an import and a line in it.
"""

from collections.abc import Callable
from typing import NamedTuple

from gan_jax.metrics.captured_modes import captured_modes
from gan_jax.metrics.classifier_accuracy_score import classifier_accuracy_score
from gan_jax.metrics.code_agreement import code_agreement
from gan_jax.metrics.density_coverage import density_coverage
from gan_jax.metrics.discriminator_overfitting import discriminator_overfitting
from gan_jax.metrics.frechet_distance import (
    frechet_distance,
    frechet_distance_of_moments,
    merge,
    moments,
)
from gan_jax.metrics.frechet_distance_infinity import frechet_distance_infinity
from gan_jax.metrics.hole_psnr import hole_psnr
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.intra_class_frechet_distance import intra_class_frechet_distance
from gan_jax.metrics.kernel_distance import kernel_distance
from gan_jax.metrics.label_agreement import label_agreement
from gan_jax.metrics.linear_probe import linear_probe
from gan_jax.metrics.memorisation import memorisation
from gan_jax.metrics.modes import modes
from gan_jax.metrics.multiscale_ssim import (
    intra_class_multiscale_ssim,
    multiscale_ssim,
    multiscale_structural_similarity,
)
from gan_jax.metrics.perceptual_path_length import perceptual_path_length
from gan_jax.metrics.power_spectrum import power_spectrum_distance, radial_power_spectrum
from gan_jax.metrics.precision_recall import precision_recall
from gan_jax.metrics.psnr import psnr
from gan_jax.metrics.reconstruction_error import reconstruction_error
from gan_jax.metrics.restored_frechet_distance import restored_frechet_distance
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein
from gan_jax.metrics.ssim import multiscale_ssim_of_targets, ssim
from gan_jax.metrics.unchanged_share import unchanged_share
from gan_jax.metrics.uniform_modes_kl import uniform_modes_kl


class Traits(NamedTuple):
    """How evaluations treat a metric.

    Attributes:
        higher_is_better: Names of its values that are better when they are higher, `*` standing for any text;
            lower is better for all other values.
        quick: It takes seconds and is informative, so that `quick` selects it.
        equally_many: Its paper compares sets of equal size.
        inception_name: Its name in the literature with the standard Inception features.
        other_name: Its name with other features, where its own name implies Inception.
    """

    higher_is_better: tuple[str, ...] = ()
    quick: bool = False
    equally_many: bool = False
    inception_name: str = ""
    other_name: str = ""


# In the order of an evaluation's table.
TRAITS: dict[Callable[..., dict[str, float]], Traits] = {
    frechet_distance: Traits(quick=True, inception_name="fid"),
    frechet_distance_infinity: Traits(inception_name="fid_infinity"),
    kernel_distance: Traits(quick=True, inception_name="kid"),
    inception_score: Traits(("inception_score", "classifier_score"), other_name="classifier_score"),
    precision_recall: Traits(("precision", "recall"), quick=True, equally_many=True),
    density_coverage: Traits(("density", "coverage"), quick=True, equally_many=True),
    captured_modes: Traits(("captured_modes", "high_quality"), quick=True),
    modes: Traits(("modes",), quick=True),
    uniform_modes_kl: Traits(quick=True),
    label_agreement: Traits(("label_agreement",), quick=True),
    code_agreement: Traits(("code_agreement", "code_mutual_information")),
    memorisation: Traits(quick=True),
    intra_class_frechet_distance: Traits(),
    classifier_accuracy_score: Traits(("classifier_accuracy_score",)),
    sliced_wasserstein: Traits(),
    multiscale_ssim: Traits(),
    intra_class_multiscale_ssim: Traits(),
    power_spectrum_distance: Traits(),
    perceptual_path_length: Traits(),
    psnr: Traits(("psnr_*",), quick=True),
    hole_psnr: Traits(("hole_psnr_*",), quick=True),
    ssim: Traits(("ssim_*",), quick=True),
    multiscale_ssim_of_targets: Traits(("multiscale_ssim_of_targets",)),
    restored_frechet_distance: Traits(),
    unchanged_share: Traits(quick=True),
    reconstruction_error: Traits(),
    linear_probe: Traits(("linear_probe",)),
    discriminator_overfitting: Traits(),
}


# Names that an evaluation accepts.
METRICS = tuple(metric.__name__ for metric in TRAITS)
__all__ = [
    *METRICS,
    "frechet_distance_of_moments",
    "merge",
    "moments",
    "multiscale_structural_similarity",
    "radial_power_spectrum",
]
