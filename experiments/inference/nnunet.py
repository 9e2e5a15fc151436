"""nnU-Net v2's own trainer and predictor, driven without data on disk, for the speed table of `run.py`.

nnU-Net is no dependency of cellml: `pip install nnunetv2` first. Its network is what its planner gives a patch of this size: stages halve
the patch as long as it has at least 4 voxels, 32 to 320 features, two convolutions a stage (Isensee et al. 2021).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch


def trainer(patch: int, classes: int = 2) -> Any:
    """An initialised `nnUNetTrainer` for cubic patches, two a batch, on the CPU; `.train_step(batch)` is a step."""
    folder = tempfile.mkdtemp(prefix="nnunet-")
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = folder
    data = Path(folder) / "Dataset001_speed" / "speed"
    data.mkdir(parents=True)
    (data / "none.b2nd").touch()  # nnU-Net looks at a file's suffix to learn how its data are stored
    os.environ["nnUNet_compile"] = "false"  # noqa: SIM112, the name is nnU-Net's
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    made = nnUNetTrainer(plans(patch), "3d_fullres", 0, dataset(classes), device=torch.device("cpu"))
    made.initialize()
    return made


def predictor(network: torch.nn.Module, trained: Any, classes: int = 2) -> Any:
    """An `nnUNetPredictor` around any network: tiles overlap by half, Gaussian weights, no mirroring."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    made = nnUNetPredictor(use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False)
    made.manual_initialization(network, trained.plans_manager, trained.configuration_manager, None, dataset(classes), "nnUNetTrainer", None)
    return made


def batch(patch: int, scales: list[list[float]], classes: int = 2) -> dict[str, Any]:
    """Two patches of noise, and a target for each scale of deep supervision."""
    sizes = [[round(patch * s) for s in scale] for scale in scales]
    return {"data": torch.randn(2, 1, patch, patch, patch), "target": [torch.randint(0, classes, (2, 1, *size)).float() for size in sizes]}


def dataset(classes: int) -> dict[str, Any]:
    """What nnU-Net wants to know of a data set."""
    names = {"background": 0, **{f"class{number}": number for number in range(1, classes)}}
    return {"channel_names": {"0": "EM"}, "labels": names, "numTraining": 1, "file_ending": ".tif"}


def plans(patch: int) -> dict[str, Any]:
    """nnU-Net's plan for cubic patches of isotropic voxels."""
    stages = 1
    while patch // 2**stages >= 4 and stages < 6:
        stages += 1
    features = [min(32 * 2**stage, 320) for stage in range(stages)]
    architecture = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": features,
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * stages,
            "strides": [[1, 1, 1]] + [[2, 2, 2]] * (stages - 1),
            "n_conv_per_stage": [2] * stages,
            "n_conv_per_stage_decoder": [2] * (stages - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    configuration = {
        "data_identifier": "speed",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [patch] * 3,
        "spacing": [10.0] * 3,
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "batch_dice": False,
        "architecture": architecture,
    }
    return {
        "continue_training": False,
        "dataset_name": "Dataset001_speed",
        "plans_name": "speed",
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "written by hand after the published rules",
        "label_manager": "LabelManager",
        "image_reader_writer": "Tiff3DIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
    }
