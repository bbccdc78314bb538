"""The default run for real: about two minutes on 2 cores. `launch/test.sh -m slow`"""

import command_line
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gan_jax import data
from gan_jax.sampling import samples


@pytest.mark.slow
def test_default_recipe_makes_digits_of_all_ten_classes(tmp_path):
    code, _, err = command_line.finish(
        command_line.start("--config=configs/dcgan.py", f"--workdir={tmp_path}/run")
    )
    assert code == 0, err
    generated = np.load(samples.run(f"{tmp_path}/run", num_images=1000))["images"].reshape(1000, -1) / 255.0
    train, test = data.digits(), data.digits().heldout()
    real, unseen = (split.read(np.arange(split.size)) for split in (train, test))
    nearest = KNeighborsClassifier(1).fit(real["real"].reshape(train.size, -1) / 255.0, real["label"])
    assert np.bincount(nearest.predict(generated), minlength=10).min() >= 10
    # As far from a real digit as unseen real digits are, or half as far again; noise is five times as far.
    noise = np.random.default_rng(1).uniform(size=(100, 784))
    sets = (generated, unseen["real"].reshape(test.size, -1) / 255.0, noise)
    distance, real_baseline, far = (np.mean(nearest.kneighbors(images)[0]) for images in sets)
    assert distance < 1.6 * real_baseline < far
