"""Models of Hugging Face's transformers, in a folder with `config.json` and safetensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from .runtime import Runtime, Session
from .transformers_families import family_of
from .transformers_weights import load_network, offline

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

Task = Literal["panoptic", "instance", "semantic"]


class Transformers(Runtime):
    """A network of transformers; its class is in a list of ours, and the hub is never asked."""

    requires: ClassVar[str] = "transformers"
    extra: ClassVar[str] = "transformers"

    name: Literal["transformers"] = "transformers"
    file: str = "models/model"
    architecture: str = Field(description="Class of the network in transformers.")
    task: Task = Field("instance", description="The task that is set to OneFormer.")

    def session(self, path: Path, device: torch.device) -> Session:
        self.check_installed()
        import torch

        family = family_of(self.architecture)
        network = load_network(path).to(device)
        further = self._further(path, network.config, device)

        def run(image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
            with torch.inference_mode():
                pixels = torch.from_numpy(image[None]).to(device)
                found = network(pixel_values=pixels, **further)
                outputs = {name: found[name].float() for name in family.outputs}
                if family.gives == "maps":  # logits are enlarged, not probabilities
                    outputs = {
                        name: enlarged(one, image.shape[1:]) for name, one in outputs.items()
                    }
            return {name: one.cpu().numpy() for name, one in outputs.items()}

        return run

    def _further(self, path: Path, config: Any, device: torch.device) -> dict[str, Tensor]:
        """Return the other inputs: OneFormer takes its task as text."""
        if self.architecture != "OneFormerForUniversalSegmentation":
            return {}
        from transformers import CLIPTokenizer

        with offline():
            tokenizer = CLIPTokenizer.from_pretrained(
                path, local_files_only=True, trust_remote_code=False
            )
        tokens = tokenizer(
            f"the task is {self.task}",
            padding="max_length",
            max_length=config.task_seq_len,
            truncation=True,
            return_tensors="pt",
        )
        return {"task_inputs": (tokens["input_ids"] * tokens["attention_mask"]).to(device)}


def enlarged(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return maps (1, C, Y, X) of the size of the image, as transformers enlarges them."""
    from torch.nn.functional import interpolate

    if tuple(logits.shape[2:]) == size:
        return logits
    return interpolate(logits, size=size, mode="bilinear", align_corners=False)
