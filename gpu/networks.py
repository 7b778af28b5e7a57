"""VGG-19 and distilled networks: files, forward passes and losses, as Fauve has them."""

import contextlib
import json
import os
import struct
import zlib

import numpy as np
import torch
import torch.nn.functional as F

TAPS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"]
CONTENT = "relu4_2"
STYLES = [tap for tap in TAPS if tap != CONTENT]
TYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8}
TINY = 1e-12


def read_safetensors(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    metadata = head.pop("__metadata__", {})
    tensors = {}
    for name, entry in head.items():
        a, b = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + length + a : 8 + length + b], TYPES[entry["dtype"]]).reshape(
            entry["shape"]
        )
    return tensors, metadata


def load_vgg(path, device):
    """`vgg19.safetensors` -> {name: float32 tensor}."""
    return {name: torch.from_numpy(t.astype(np.float32)).to(device) for name, t in read_safetensors(path)[0].items()}


def write_safetensors(path, tensors, metadata):
    names = {np.dtype(of): name for name, of in TYPES.items()}
    head, at = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        head[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())


@contextlib.contextmanager
def replacing(path):
    """A file to write to that takes the place of `path` once it is whole."""
    part = f"{path}.part"
    with open(part, "wb") as file:
        yield file
    os.replace(part, path)


def packed(name):
    return name.endswith(".weight") or name.endswith(".head")


def scale_name(name):
    return name.rsplit(".", 1)[0] + ".scale"


def load_distilled(path):
    """A file of `fauve distil` -> {name: float32 tensor}, heads that are the identity left out, and its metadata."""
    stored, metadata = read_safetensors(path)
    tensors = {}
    channels = 3
    for layer in sorted(name[:-5] for name in stored if name.endswith(".bias")):
        outs = len(stored[f"{layer}.bias"])
        shapes = {f"{layer}.weight": (outs, channels, 3, 3)}
        if f"{layer}.vertical.weight" in stored:
            rank = len(stored[f"{layer}.vertical.scale"])
            shapes = {f"{layer}.vertical.weight": (rank, channels, 3, 1), f"{layer}.weight": (outs, rank, 1, 3)}
        for name, shape in shapes.items():
            scale = stored[scale_name(name)].astype(np.float32)
            numbers = np.frombuffer(zlib.decompress(stored[name].tobytes(), -15), np.int8)
            tensors[name] = numbers.reshape(shape) * scale.reshape(-1, 1, 1, 1)
        tensors[f"{layer}.bias"] = stored[f"{layer}.bias"].astype(np.float32)
        channels = outs
        head = f"{layer.replace('conv', 'relu')}.head"
        if head in stored:
            scale = stored[scale_name(head)].astype(np.float32)
            numbers = np.frombuffer(zlib.decompress(stored[head].tobytes(), -15), np.int8)
            matrix = numbers.reshape(channels, len(scale)) * scale
            if channels != len(scale) or np.abs(matrix - np.eye(channels)).max() > 1e-3:
                tensors[head] = matrix
    return {name: torch.from_numpy(np.ascontiguousarray(t, np.float32)) for name, t in tensors.items()}, metadata


def save_distilled(path, tensors, metadata):
    """The format of `fauve distil`: whole numbers with a scale for each output channel, packed; the rest as 16-bit floats."""
    stored = {}
    complete = {}
    for name, t in tensors.items():
        complete[name] = t
        tap = name.replace("conv", "relu").replace(".bias", "")
        # A layer with all of its teacher's channels has the identity for a head.
        if name.endswith(".bias") and tap in TAPS and f"{tap}.head" not in tensors:
            complete[f"{tap}.head"] = torch.eye(len(t))
    for name, t in complete.items():
        array = t.detach().float().cpu().numpy()
        if not packed(name):
            stored[name] = array.astype(np.float16)
            continue
        # A head [k,C] has its outputs last.
        largest = np.abs(array).max(0) if name.endswith(".head") else np.abs(array).reshape(len(array), -1).max(1)
        scale = np.maximum(largest / 127, 2.0**-24).astype(np.float16)
        each = scale.astype(np.float32) if name.endswith(".head") else scale.astype(np.float32).reshape(-1, 1, 1, 1)
        numbers = np.clip(np.round(array / each), -127, 127).astype(np.int8)
        pack = zlib.compressobj(9, zlib.DEFLATED, -15)
        stored[name] = np.frombuffer(pack.compress(numbers.tobytes()) + pack.flush(), np.int8)
        stored[scale_name(name)] = scale
    write_safetensors(path, stored, metadata)


def layers_of(tensors):
    return sorted(name[:-5] for name in tensors if name.startswith("conv") and name.endswith(".bias"))


MEAN = (123.68, 116.779, 103.939)


def activations(images, tensors, until="conv5_1"):
    """Features of [N,3,H,W] in 0..1 at the taps, brought to the teacher's channels where there is a head."""
    return chain(preprocessed(images), tensors, [layer for layer in layers_of(tensors) if layer <= until])[0]


def preprocessed(images):
    mean = torch.stack([torch.full_like(images[:, 0], mean) for mean in MEAN], 1)
    return (images * 255 - mean).contiguous(memory_format=torch.channels_last)


def chain(x, tensors, layers):
    """Some layers after each other, from the input of the first; where a block begins after another, pooling comes first.

    Gives the features at the taps, and what the last layer puts out.
    """
    features, block = {}, layers[0][4]
    for layer in layers:
        if layer[4] != block:
            block, x = layer[4], F.max_pool2d(x, 2)
        bias = tensors[f"{layer}.bias"]
        vertical = tensors.get(f"{layer}.vertical.weight")
        if vertical is None:
            x = F.relu(F.conv2d(x, tensors[f"{layer}.weight"], bias, padding=1))
        else:
            x = F.relu(
                F.conv2d(F.conv2d(x, vertical, None, padding=(1, 0)), tensors[f"{layer}.weight"], bias, padding=(0, 1))
            )
        tap = layer.replace("conv", "relu")
        if tap in TAPS:
            head = tensors.get(f"{tap}.head")
            features[tap] = x if head is None else F.conv2d(x, head.t()[:, :, None, None])
    return features, x


def gram(features):
    """[N,k,H,W] -> [N,k,k], over H·W. The channels lie innermost in memory: nothing is copied."""
    rows = features.permute(0, 2, 3, 1).flatten(1, 2)
    return (rows.transpose(1, 2) @ rows).float() / rows.shape[1]


def grams(features):
    return {tap: gram(features[tap]) for tap in STYLES if tap in features}


def power(t):
    """Mean square of each of a batch, [N], 32-bit."""
    return torch.linalg.vector_norm(t, dim=tuple(range(1, t.dim())), dtype=torch.float32).square() / t[0].numel()


def relative(error, target):
    """Mean square of each picture's error over that of its target, [N]."""
    return power(error) / (power(target) + TINY)


def total_variation(images):
    """The squared form: mean squared difference of neighbours, of each picture, [N]."""
    right, down = images[..., 1:] - images[..., :-1], images[..., 1:, :] - images[..., :-1, :]
    return power(right) + power(down)


def stylisation(x, features, mine, content, wanted, content_weight):
    """Total loss of each picture with Fauve's default weights, [N]."""
    style = sum(relative(mine[tap] - wanted[tap], wanted[tap]) for tap in STYLES) / len(STYLES)
    return content_weight * relative(features[CONTENT] - content, content) + style + 0.5 * total_variation(x)
