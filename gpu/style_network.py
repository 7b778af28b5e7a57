"""A style network as Fauve has it (Johnson et al. 2016), its margins, and the losses that it is trained on."""

import torch
import torch.nn.functional as F

from networks import CONTENT, activations, gram, relative, total_variation
from optimiser import lower_precision


def form(p):
    """Whether there are convolutions at full size and blocks at an eighth of it; the number of blocks."""
    return "down1.weight" in p, "down3.weight" in p, sum(name.endswith("a.weight") for name in p)


def margins(p):
    """Pixels around the picture that the convolutions take away: above and to the left, and below and to the right."""
    full, eighth, blocks = form(p)
    first, last = ((p[f"{name}.weight"].shape[2] - 1) // 2 for name in ("first", "last"))
    ends = first + last if full else first + 2 * last
    before = ends + 16 * blocks + 10 if eighth else ends + 8 * blocks + (6 if full else 5)
    return before, before + (8 if full else 6) if eighth else before


def stylized(images, style, p):
    """`apply` in PyTorch, but for the margins, which the images [N,3,H,W] have already; styles [N,S].

    The picture is smaller by the margins.
    """
    full, eighth, blocks = form(p)

    def normalised(x, name):
        x = F.instance_norm(x) * (style @ p[f"{name}.scale"])[:, :, None, None]
        return x + (style @ p[f"{name}.shift"])[:, :, None, None] if f"{name}.shift" in p else x

    def added(x, change, around):
        return x[:, :, around : around + change.shape[2], around : around + change.shape[3]] + change

    layer = lambda x, name, stride=1: normalised(F.conv2d(x, p[f"{name}.weight"], stride=stride), name)
    enlarged = lambda x, name: layer(F.interpolate(x, scale_factor=2, mode="nearest"), name)
    x = F.relu(layer(images * 2 - 1, "first", 1 if full else 2))
    if full:
        x = F.relu(layer(x, "down1", 2))
    x = quarter = F.relu(layer(x, "down2", 2))
    if eighth:
        x = F.relu(layer(x, "down3", 2))
    for block in range(1, blocks + 1):
        x = added(x, layer(F.relu(layer(x, f"residual{block}a")), f"residual{block}b"), 2)
    if eighth:
        x = F.relu(added(quarter, enlarged(x, "up0"), 4 * blocks + 1))
    x = F.relu(enlarged(x, "up1"))
    if full:
        x = F.relu(enlarged(x, "up2"))
    x = F.conv2d(x, p["last.weight"], p["last.bias"])
    if not full:
        # Four pixels at each position, one after the other (ONNX's DepthToSpace, DCR), smoothed.
        n, _, h, w = x.shape
        x = x.reshape(n, 2, 2, 3, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, 3, 2 * h, 2 * w)
        x = F.avg_pool2d(F.avg_pool2d(x, 2, stride=1), 2, stride=1)
    height, width = (side - sum(margins(p)) for side in images.shape[2:])
    return (torch.tanh(x) * 0.5 + 0.5)[:, :, :height, :width]


def losses(images, style, grams, p, teacher, content=CONTENT):
    """The terms for photos with margins [N,3,H,W] in styles [N,S], each [N]: content, one for each of the Gram matrices, total variation.

    `grams`: layer -> the matrices to reach [N,C,C]. Johnson et al. 2016, each term over its target's own power.
    """
    pictures = stylized(images, style, p)
    before, size = margins(p)[0], pictures.shape[2]
    images = images[:, :, before : before + size, before : before + size].contiguous()
    with lower_precision(images.device.type):
        with torch.no_grad():
            target = activations(images, teacher, until=content.replace("relu", "conv"))[content]
        features = activations(pictures, teacher)
    return [
        relative(features[content] - target, target),
        *(relative(gram(features[tap]) - matrix, matrix) for tap, matrix in grams.items()),
        total_variation(pictures),
    ]
