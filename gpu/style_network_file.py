"""The weights in a style network's ONNX file: read, and written back."""

import json

import numpy as np
import onnx
import torch

from networks import replacing


def weights_of(model):
    """Weights are 16-bit floats, or whole numbers with a scale for each output; everything else belongs to the graph."""
    stored = {t.name: t for t in model.graph.initializer}
    weights = {}
    for name, t in stored.items():
        if t.data_type == onnx.TensorProto.INT8:
            values = torch.from_numpy(np.frombuffer(t.raw_data, np.int8).reshape(t.dims).astype(np.float32))
            weights[name] = values * halves(stored[f"{name} scale"])
        elif t.data_type == onnx.TensorProto.FLOAT16 and not name.endswith(" scale"):
            weights[name] = halves(t)
    return weights


def halves(t):
    return torch.from_numpy(np.frombuffer(t.raw_data, np.float16).reshape(t.dims).astype(np.float32))


def save(path, model, weights, training):
    """Without the ranges for 8-bit integers, which were those of other weights: `npm run ranges` notes new ones."""
    stored = {t.name: t for t in model.graph.initializer}
    for name, weight in weights.items():
        array = weight.detach().cpu().numpy()
        if stored[name].data_type == onnx.TensorProto.INT8:
            largest = np.abs(array).max(axis=(1, 2, 3), keepdims=True)
            scale = np.maximum(largest / 127, 2.0**-24).astype(np.float16)
            array = np.clip(np.round(array / scale.astype(np.float32)), -127, 127).astype(np.int8)
            stored[f"{name} scale"].raw_data = scale.tobytes()
        else:
            array = array.astype(np.float16)
        stored[name].raw_data = array.tobytes()
    for entry in model.metadata_props:
        if entry.key == "training":
            entry.value = json.dumps(training, separators=(",", ":"))
    kept = [entry for entry in model.metadata_props if entry.key != "ranges"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with replacing(path) as file:
        file.write(model.SerializeToString())
