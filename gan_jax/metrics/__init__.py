"""Metrics as pure functions of features, logits or images: each returns a dict of named floats."""

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
from gan_jax.metrics.reconstruction_error import reconstruction_error
from gan_jax.metrics.sliced_wasserstein import sliced_wasserstein
from gan_jax.metrics.uniform_modes_kl import uniform_modes_kl

# What an evaluation can be asked for, in the order of its table.
METRICS = (
    "frechet_distance",
    "frechet_distance_infinity",
    "kernel_distance",
    "inception_score",
    "precision_recall",
    "density_coverage",
    "captured_modes",
    "modes",
    "uniform_modes_kl",
    "label_agreement",
    "code_agreement",
    "memorisation",
    "intra_class_frechet_distance",
    "classifier_accuracy_score",
    "sliced_wasserstein",
    "multiscale_ssim",
    "intra_class_multiscale_ssim",
    "power_spectrum_distance",
    "perceptual_path_length",
    "reconstruction_error",
    "linear_probe",
    "discriminator_overfitting",
)

# Values of which more is better; of all others less is.
HIGHER_IS_BETTER = frozenset(
    (
        "inception_score",
        "classifier_score",
        "precision",
        "recall",
        "density",
        "coverage",
        "captured_modes",
        "high_quality",
        "modes",
        "label_agreement",
        "code_agreement",
        "code_mutual_information",
        "classifier_accuracy_score",
        "linear_probe",
    )
)

__all__ = [
    *METRICS,
    "frechet_distance_of_moments",
    "merge",
    "moments",
    "multiscale_structural_similarity",
    "radial_power_spectrum",
]
