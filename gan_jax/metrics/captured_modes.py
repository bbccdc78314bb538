"""How many modes of a mixture a generator covers, and how close its samples are to them."""

import jax
import numpy as np

from gan_jax.metrics import checks
from gan_jax.metrics.uniform_modes_kl import expected_kl_to_uniform, kl_to_uniform


def captured_modes(fake_mode_distances: jax.Array, *, radius: float = 3.0) -> dict[str, float]:
    """Number of modes with a high-quality fake near them, and share of fakes that have high quality.

    The protocol of the ring and the grid (Srivastava et al. 2017, arXiv:1705.07761, section 5; Lin et al.
    2018, arXiv:1712.04086, section 4.1, with 2,500 fakes): a fake has high quality if it is within three
    standard deviations of the nearest mode, and a mode is captured if it is the nearest one of such a fake.
    In the plane a perfect generator has a share 1 - exp(-radius^2 / 2) of high quality, 98.89 % for 3. The
    divergence is that of the authors' code, which counts only samples of high quality; `uniform_modes_kl`
    counts all samples, and says more where few have high quality.

    Args:
        fake_mode_distances: From each fake to each mode, in standard deviations, float [N, K], N at least 1.
        radius: Distances below this have high quality; standard deviations.

    Returns:
        `captured_modes`, from 0 to K; `high_quality`, in [0, 1]; `captured_modes_kl`, KL(fakes of high
        quality || uniform) of the shares of modes in nats, from 0 to log K, and log K without such fakes;
        `captured_modes_kl_of_perfect`, its expectation for N fakes that all have high quality.

    Raises:
        UsageError: The distances are not a matrix or not finite.
    """
    (distances,) = checks.matrices(fake_mode_distances=fake_mode_distances)
    good = distances.min(axis=1) < radius
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=distances.shape[1])
    return {
        "captured_modes": float(np.count_nonzero(counts)),
        "high_quality": float(good.mean()),
        "captured_modes_kl": kl_to_uniform(counts),
        "captured_modes_kl_of_perfect": expected_kl_to_uniform(*distances.shape),
    }
