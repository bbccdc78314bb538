"""The default run for real: about two minutes on 2 cores. `launch/test.sh -m slow`"""

import command_line
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gan_jax import data, sample


@pytest.mark.slow
def test_default_recipe_makes_digits_of_all_ten_classes(tmp_path):
    code, _, err = command_line.finish(
        command_line.start("--config=configs/dcgan.py", f"--workdir={tmp_path}/run")
    )
    assert code == 0, err
    made = np.load(sample.run(f"{tmp_path}/run", num_images=1000))["images"].reshape(1000, -1) / 255.0
    real = data.digits().read(np.random.default_rng(0).permutation(1797))
    images, labels = real["images"].reshape(1797, -1) / 255.0, real["labels"]
    nearest = KNeighborsClassifier(1).fit(images[:1300], labels[:1300])
    assert np.bincount(nearest.predict(made), minlength=10).min() >= 10
    # As far from a real digit as unseen real digits are, or half as far again; noise is five times as far.
    distance, unseen = (np.mean(nearest.kneighbors(x)[0]) for x in (made, images[1300:]))
    noise = np.random.default_rng(1).uniform(size=(100, 784))
    assert distance < 1.6 * unseen < np.mean(nearest.kneighbors(noise)[0])
