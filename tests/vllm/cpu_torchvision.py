"""Lets torchvision's CUDA wheel be imported beside a torch without CUDA: a start-up hook of the vLLM environment.

Its import registers kernels for two operators that its own library would declare and, without CUDA, does not. They are
declared here just before, and are never called: vLLM needs of torchvision only the resizing of images.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
KEPT: list[Any] = []  # a library that is collected takes its operators with it


class Declaring:
    """A finder that finds nothing: it sees that torchvision is about to be imported."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Nothing, so that the next finder goes on."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            library = torch.library.Library("torchvision", "FRAGMENT")
            for operator in OPERATORS:
                library.define(operator)
            KEPT.append(library)
        return None


sys.meta_path.insert(0, Declaring())
