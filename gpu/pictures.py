"""Photos and paintings on the device, and random crops of them."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def read(path, shorter=None, longer=None, crop_bottom=0):
    """An image file as [3,H,W], bytes; brought to the given shorter or longer side. `crop_bottom` is a percentage."""
    image = Image.open(path).convert("RGB")
    if crop_bottom:
        image = image.crop((0, 0, image.width, image.height - round(image.height * crop_bottom / 100)))
    scale = shorter / min(image.size) if shorter else longer / max(image.size) if longer else 1
    if scale != 1:
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.LANCZOS)
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)


class Pictures:
    """A folder of pictures, all with the same shorter side, from which batches of squares are cut on the device.

    Pictures lie on one canvas each, [N,3,H,W]; a crop is a bilinear sample of it.
    """

    def __init__(self, paths, shorter, device, widest=1.7):
        side = math.ceil(shorter * widest)
        self.device, self.shorter, self.side = device, shorter, side
        with ThreadPoolExecutor() as threads:
            images = list(threads.map(lambda path: read(path, shorter)[:, :side, :side], paths))
        self.canvas = torch.zeros(len(images), 3, side, side, dtype=torch.uint8)
        for canvas, image in zip(self.canvas, images):
            canvas[:, : image.shape[1], : image.shape[2]] = image
        self.sizes = np.array([[image.shape[2], image.shape[1]] for image in images], np.float64)
        self.limits = torch.tensor(self.sizes - 1, dtype=torch.float32, device=device)
        self.canvas = self.canvas.to(device)

    def choose(self, random, count, least):
        """Random squares with sides from `least` pixels to the whole shorter side: [count,5] (picture, left, top, side, mirrored)."""
        which = random.integers(len(self.sizes), size=count)
        sizes = self.sizes[which]
        shorter = sizes.min(1)
        side = least + random.random(count) * np.maximum(shorter - least, 0)
        side = np.minimum(side, shorter)
        corner = random.random((count, 2)) * (sizes - side[:, None])
        return np.column_stack([which, corner, side, random.random(count) < 0.5])

    def cut(self, squares, size, before=0, after=0):
        """Squares of {@link choose} as a tensor on the device -> [count,3,size,size], RGB in 0..1.

        With so many pixels more around them, above and to the left and below and to the right: the photo's surroundings of the
        square, mirrored where it ends.
        """
        which, left, top, side, mirrored = squares.unbind(1)
        which, pixel = which.long(), torch.arange(-before, size + after, device=self.device) + 0.5
        limits = self.limits.index_select(0, which)

        def places(near, flipped, limit):
            """Where the pixels lie in the photo [count,n], counted from the middle of the first."""
            along = torch.where(flipped[:, None] > 0.5, size - pixel, pixel) * (side / size)[:, None] + near[:, None] - 0.5
            limit = limit[:, None]
            return limit - (limit - along.abs()).abs()

        x, y = places(left, mirrored, limits[:, 0]), places(top, torch.zeros_like(mirrored), limits[:, 1])
        grid = torch.stack([x[:, None, :].expand(-1, len(pixel), -1), y[:, :, None].expand(-1, -1, len(pixel))], 3)
        images = self.canvas.index_select(0, which).float() / 255
        return F.grid_sample(images, grid * (2 / (self.side - 1)) - 1, mode="bilinear", align_corners=True)


def distorted(images, strength):
    """Other contrast, colours and noise: what a network has to bear that sees pictures in the making.

    strength [N,8]: how strongly contrast (1), gains (3), shifts (3) and noise (1) are changed; zeros leave a picture as it is.
    """
    part = lambda a, b: strength[:, a:b, None, None]
    gain = (1 + part(0, 1)) * (1 + part(1, 4))
    noise = part(7, 8) * (torch.rand_like(images) - 0.5) * 3
    return ((images - 0.5) * gain + 0.5 + part(4, 7) + noise).clamp(0, 1)


def distortions(random, count, share):
    """Random strengths for {@link distorted}, [count,8], of which `share` are not zero."""
    u = random.random((count, 8))
    noisy = (random.random(count) < 0.5) * 0.25 * u[:, 7]
    strengths = np.column_stack([0.8 * u[:, :1] - 0.4, 0.3 * u[:, 1:4] - 0.15, 0.3 * (u[:, 4:7] - 0.5), noisy[:, None]])
    return strengths * (random.random(count) < share)[:, None]


def split(folder, held_out):
    """Image files of a folder, and those of them that training must not see."""
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    stems = {Path(name).stem for name in held_out}
    return [path for path in paths if path.stem not in stems], {path.stem: path for path in paths if path.stem in stems}
