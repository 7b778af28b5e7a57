"""Trains an image transformer network on a GPU, with VGG-19 as the loss network: what `fauve train` does, see README.md.

It starts from a network that `fauve train` wrote (one iteration is enough), and writes the same format with the same styles.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F

import networks
from networks import CONTENT, STYLES, activations, gram, relative, total_variation
from optimiser import Adam, Clock, Record, arguments, lower_precision, parsed, replayable
from pictures import Pictures, read, split

# How much of the average of the losses is kept with each step.
TRAIL = 0.99


def transformer(images, style, p):
    """[N,3,H,W] and [N,S] -> [N,3,H,W]: `src/networks/transformer.ts` in PyTorch."""
    full = "down1.weight" in p
    blocks = sum(name.endswith("a.weight") for name in p)
    first, last = ((p[f"{name}.weight"].shape[2] - 1) // 2 for name in ("first", "last"))
    margin = first + 3 + 8 * blocks + 3 + last if full else first + 2 + 8 * blocks + 2 + 2 * last + 1

    def normalised(x, name):
        x = F.instance_norm(x) * (style @ p[f"{name}.scale"])[:, :, None, None]
        return x + (style @ p[f"{name}.shift"])[:, :, None, None] if f"{name}.shift" in p else x

    layer = lambda x, name, stride=1: normalised(F.conv2d(x, p[f"{name}.weight"], stride=stride), name)
    enlarged = lambda x, name: layer(F.interpolate(x, scale_factor=2, mode="nearest"), name)
    x = F.pad(images, [margin] * 4, mode="reflect") * 2 - 1
    x = F.relu(layer(x, "first", 1 if full else 2))
    if full:
        x = F.relu(layer(x, "down1", 2))
    x = F.relu(layer(x, "down2", 2))
    for block in range(1, blocks + 1):
        change = layer(F.relu(layer(x, f"residual{block}a")), f"residual{block}b")
        x = x[:, :, 2 : 2 + change.shape[2], 2 : 2 + change.shape[3]] + change
    x = F.relu(enlarged(x, "up1"))
    if full:
        x = F.relu(enlarged(x, "up2"))
    x = F.conv2d(x, p["last.weight"], p["last.bias"])
    if not full:
        # Four pixels at each position, one after the other (ONNX's DepthToSpace, DCR), smoothed.
        n, _, h, w = x.shape
        x = x.reshape(n, 2, 2, 3, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, 3, 2 * h, 2 * w)
        x = F.avg_pool2d(F.avg_pool2d(x, 2, stride=1), 2, stride=1)
    return (torch.tanh(x) * 0.5 + 0.5)[:, :, : images.shape[2], : images.shape[3]]


def weights_of(model):
    """16-bit initialisers are the weights; everything else belongs to the graph."""
    return {
        t.name: torch.from_numpy(np.frombuffer(t.raw_data, np.float16).reshape(t.dims).astype(np.float32))
        for t in model.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT16
    }


def save(path, model, weights, training):
    """Without the ranges for 8-bit integers, which were those of other weights: `npm run ranges` notes new ones."""
    for t in model.graph.initializer:
        if t.name in weights:
            t.raw_data = weights[t.name].detach().cpu().numpy().astype(np.float16).tobytes()
    for entry in model.metadata_props:
        if entry.key == "training":
            entry.value = json.dumps(training, separators=(",", ":"))
    kept = [entry for entry in model.metadata_props if entry.key != "ranges"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with networks.replacing(path) as file:
        file.write(model.SerializeToString())


def main():
    parser = arguments(__doc__, "a network of fauve train; its styles are trained")
    parser.add_argument("--gallery", required=True, help="models/styles/gallery.json: which painting a style is")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--style-size", type=int, default=256, help="longer side of the paintings")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    options, device = parsed(parser)
    random = np.random.default_rng(options.seed)
    held_out = json.load(open(options.held_out))
    photos = Pictures(split(options.photos, held_out["photos"])[0], 320, device)
    model = onnx.load(options.start)
    about = {entry.key: entry.value for entry in model.metadata_props}
    styles = [style["name"] for style in json.loads(about["styles"])]
    gallery = {entry["name"]: entry for entry in json.load(open(options.gallery))}
    teacher = networks.load_vgg(options.teacher, device)
    targets = {tap: [] for tap in STYLES}
    for style in styles:
        entry = gallery[style]
        path = next(Path(options.paintings).glob(f"{Path(entry['file']).stem}.*"))
        painting = read(path, longer=options.style_size, crop_bottom=entry.get("cropBottom", 0)).to(device)[None] / 255
        with torch.no_grad():
            features = activations(painting, teacher)
        for tap in STYLES:
            targets[tap].append(gram(features[tap])[0])
    targets = {tap: torch.stack(values) for tap, values in targets.items()}
    adam = Adam(weights_of(model), device)
    choice = torch.eye(len(styles), device=device)
    print(
        f"{len(photos.sizes)} photos, {len(styles)} styles, {len(adam.vector) / 1e6:.2f} million weights on {device}",
        flush=True,
    )

    count = options.batch
    inputs = torch.zeros(4 + 6 * count, device=device)
    names = [f"content {CONTENT}", *(f"style {tap}" for tap in STYLES), "total variation"]
    trail = torch.zeros(1 + len(names), device=device)

    def step():
        scalars, rows = inputs[:4], inputs[4:].view(count, 6)
        images = photos.cut(rows[:, :5], options.size)
        which = rows[:, 5].long()
        pictures = transformer(images, choice.index_select(0, which), adam.parameters)
        with lower_precision(device):
            with torch.no_grad():
                wanted = activations(images, teacher, until="conv4_2")[CONTENT]
            features = activations(pictures, teacher)
        style = {tap: targets[tap].index_select(0, which) for tap in STYLES}
        terms = [
            relative(features[CONTENT] - wanted, wanted).mean(),
            *(relative(gram(features[tap]) - style[tap], style[tap]).mean() for tap in STYLES),
            total_variation(pictures).mean(),
        ]
        total = 0.15 * terms[0] + sum(terms[1:-1]) / len(STYLES) + 0.5 * terms[-1]
        adam.step(total, scalars)
        with torch.no_grad():
            trail.mul_(TRAIL).add_(torch.stack([total, *terms]).detach(), alpha=1 - TRAIL)

    def feed(number, rate):
        rows = np.column_stack([photos.choose(random, count, options.size), random.integers(len(styles), size=count)])
        inputs.copy_(torch.from_numpy(np.concatenate([adam.scalars(number, rate), rows.flatten()]).astype(np.float32)))

    feed(1, 0)
    run = step if options.no_graph else replayable(step, device)
    for state in (adam.mean, adam.square, trail):
        state.zero_()
    clock, record = Clock(options.seconds, options.steps), Record(TRAIL)
    while clock.part() < 1:
        feed(clock.done + 1, options.rate * clock.factor())
        run()
        clock.done += 1
        if clock.done % 50 == 0 or clock.part() >= 1:
            record.add(clock, ["total", *names], trail)
    training = {
        "by": "training/transformer.py",
        "iterations": clock.done,
        "batch": count,
        "cropSize": options.size,
        "styleSize": options.style_size,
        "contentWeight": 0.15,
        "styleWeight": 1,
        "tvWeight": 0.5,
        "learningRate": options.rate,
        "seed": options.seed,
        "lossNetwork": "vgg19",
        "photos": len(photos.sizes),
        "losses": dict(zip(names, record.rows[-1][2:])),
    }
    save(options.output, model, adam.views(adam.averaged), training)
    if options.log:
        record.write(options.log, ["total", *names])
    print(f"{clock.done} steps in {clock.elapsed():.0f} s", flush=True)


if __name__ == "__main__":
    main()
