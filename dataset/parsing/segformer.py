"""SegFormer as encoder (Xie et al. 2021), from pretrained weights or from none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from nitropilot.dataset.errors import BadWeights, ParserSettings

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.dataset.parsing.shape import Shape

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, which published weights have seen."""
EXTRA = "install it with: pip install 'nitropilot[dataset]'"
FIX = "name a folder or a file of SegFormer's weights, or its name on the hub"


class SegformerEncoder(nn.Module):
    """From pictures to a coarse map (a quarter of their sides) and a fine one (half of them).

    Args:
        shape: Four widths, depths and numbers of heads.

    Raises:
        ParserSettings: ``transformers`` is not installed.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        kinds = transformers()
        self.body = kinds.SegformerModel(
            kinds.SegformerConfig(
                num_channels=3 * shape.pictures, depths=list(shape.depths),
                hidden_sizes=list(shape.widths), num_attention_heads=list(shape.heads),
                drop_path_rate=0.0,
            )
        )  # fmt: skip
        width = shape.features
        self.sides = nn.ModuleList(nn.Conv2d(each, width, 1) for each in shape.widths)
        self.mixed = nn.Sequential(
            nn.Conv2d(len(shape.widths) * width, width, 1, bias=False), nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )  # fmt: skip
        self.down = nn.Conv2d(width, shape.fine, 1)
        self.past = nn.Sequential(
            nn.Conv2d(3 * shape.pictures, shape.fine, 3, 2, 1, bias=False),
            nn.BatchNorm2d(shape.fine), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """``B x (3 N) x H x W`` of -0.5 to 0.5: before, now, reference where there is one."""
        count = pictures.shape[1] // 3
        mean, deviation = self.mean.repeat(1, count, 1, 1), self.deviation.repeat(1, count, 1, 1)
        seen = ((pictures + 0.5 - mean) / deviation).contiguous()
        maps = self.body(seen, output_hidden_states=True).hidden_states
        size = maps[0].shape[-2:]
        sides = [
            interpolate(side(each), size, mode="bilinear", align_corners=False)
            for side, each in zip(self.sides, maps, strict=True)
        ]
        coarse = self.mixed(torch.cat(sides, 1))
        fine = interpolate(self.down(coarse), scale_factor=2, mode="nearest") + self.past(seen)
        return coarse, fine

    def begin_from(self, init: str) -> str:
        """Take pretrained weights; what looks at one picture looks at each of them.

        Args:
            init: A folder or a file of them, or a name on the hub.

        Returns:
            What was taken, for the card.

        Raises:
            BadWeights: There are none, or they are of another size.
        """
        tensors, missing = _pretrained(init, self.body.config)
        own = self.body.state_dict()
        first = next(name for name, each in tensors.items() if each.ndim == 4)
        pictures = own[first].shape[1] // tensors[first].shape[1]
        tensors[first] = tensors[first].repeat(1, pictures, 1, 1) / pictures
        for name, each in own.items():
            if name not in missing and tensors[name].shape != each.shape:
                raise BadWeights(
                    f"{init} has {name} of {tuple(tensors[name].shape)}, and this network of "
                    f"{tuple(each.shape)}",
                    "name weights of the size that the preset has",
                )
        taken = {name: each for name, each in tensors.items() if name not in missing}
        if not taken:
            raise BadWeights(f"{init} holds no weights of SegFormer", FIX)
        self.body.load_state_dict(taken, strict=False)
        return f"{len(taken)} of {len(own)} tensors of its encoder are from {init}"


def transformers() -> Any:
    """The library.

    Raises:
        ParserSettings: It is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise ParserSettings("SegFormer needs transformers, which is not installed",
                             EXTRA) from None  # fmt: skip
    return transformers


def _pretrained(init: str, config: Any) -> tuple[dict[str, Tensor], set[str]]:
    """Tensors by their names in the library, and which of them were not there.

    Raises:
        BadWeights: They cannot be read.
    """
    kinds = transformers()
    path = Path(init)
    try:
        if path.is_file():
            told = config.to_diff_dict() | {"num_channels": 3}
            found, info = kinds.SegformerModel.from_pretrained(
                None, config=kinds.SegformerConfig(**told), state_dict=_tensors(path),
                output_loading_info=True,
            )  # fmt: skip
        else:
            found, info = kinds.SegformerModel.from_pretrained(init, output_loading_info=True)
    except BadWeights:
        raise
    except Exception as error:  # the library raises whatever a file or a hub leads to
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BadWeights(f"{init} holds no weights of SegFormer: {reason}", FIX) from error
    return dict(found.state_dict()), set(info["missing_keys"])


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged file can make both raise anything
        raise BadWeights(f"{path} is no file of weights", FIX) from error
