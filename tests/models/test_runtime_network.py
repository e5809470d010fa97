"""Sessions as networks of class maps."""

import numpy as np
import torch

from napari_tally.mask_sets.readings import ClassMaps
from napari_tally.models.runtime_network import SessionMaps


def test_a_session_is_loaded_and_run_without_autocast() -> None:
    seen = []

    def session_on(device: torch.device):
        seen.append(torch.is_autocast_enabled("cpu"))

        def run(image):
            seen.append(torch.is_autocast_enabled("cpu"))
            return {"output": image[None, :, ::2, ::2]}

        return run

    maps = SessionMaps(session_on, ClassMaps(activation="none"))
    image = torch.rand(2, 2, 8, 6)
    with torch.autocast("cpu", torch.bfloat16):
        found = maps(image)
    assert found.shape == image.shape and found.dtype == torch.float32
    assert seen == [False] * 3
    assert np.isfinite(found.numpy()).all()
