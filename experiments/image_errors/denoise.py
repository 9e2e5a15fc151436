"""The blind-spot networks of the study: one for each dose, trained on the noisy volume alone.

`python experiments/image_errors/denoise.py 20` adds the noise of 20 electrons to all of FIB-25, trains experiment=denoising/fib25 on it and
keeps `denoise_20.ckpt`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cellml.checkpoint import load
from cellml.data.sources import locate
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.frame import Frame
from cellml.io import read_volume, write_volume
from cellml.types import Volume

HERE = Path(__file__).parent
STEPS = 200
WORDS = (
    *("task.net.widths=[12,24]", "data.batch_size=1", "data.patch=[32,32,32]", "task.target.share=0.03", "training.validations=2"),
    *("data.val=[{region: {z: [0, 48], y: [0, 48], x: [168, 216]}}]", "trainer.enable_progress_bar=false"),
)


def train(electrons: float) -> Path:
    """A network for this dose; the held-out block may be seen, for nothing is told of its truth."""
    kept = HERE / f"denoise_{electrons:g}.ckpt"
    with TemporaryDirectory() as folder:
        clean = read_volume(f"{locate('fib25_train2').path}:raw")
        held_out = Volume(clean.data[:, :, 168:250], clean.spacing)
        noisy = add_noise(clean.data, Noise(electrons, seed=7), Frame.of(held_out))
        write_volume(Volume(noisy, clean.spacing), Path(folder) / "noisy.npz")
        words = [
            "experiment=denoising/fib25",
            f"data.path={folder}/noisy.npz",
            f"hydra.run.dir={folder}/run",
            f"training.max_steps={STEPS}",
        ]
        subprocess.run([sys.executable, "-m", "cellml", "train", *words, *WORDS], check=True)
        shutil.copyfile(Path(folder) / "run" / "model.ckpt", kept)
    return kept


def denoised(volume: Volume, electrons: float) -> Volume:
    """The whole noisy volume through the network of its dose, in its grey values. Raises FileError where there is none yet."""
    task = load(HERE / f"denoise_{electrons:g}.ckpt").task
    mean, deviation = volume.data.mean(dtype=float), volume.data.std(dtype=float)
    guess = task.predict_volume(((volume.data - mean) / deviation)[None].astype(np.float32))[0]
    return Volume(guess * np.float32(deviation) + np.float32(mean), volume.spacing, volume.origin, name=volume.name)


if __name__ == "__main__":
    for word in sys.argv[1:]:
        print(train(float(word)))
