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
from optimiser import Adam, Clock, Muon, Record, arguments, lower_precision, parsed, replayable
from pictures import Pictures, read, split

# How much of the average of the losses is kept with each step.
TRAIL = 0.99


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


def transformer(images, style, p):
    """`src/networks/transformer.ts` in PyTorch, but for the margins, which the images [N,3,H,W] have already; styles [N,S].

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
    with networks.replacing(path) as file:
        file.write(model.SerializeToString())


def main():
    parser = arguments(__doc__, "a network of fauve train; its styles are trained")
    parser.add_argument("--gallery", required=True, help="models/styles/gallery.json: which painting a style is")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--style-size", type=int, default=256, help="longer side of the paintings")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--optimiser", choices=["muon", "adam"], default="muon")
    parser.add_argument("--rate", type=float, help="default: 0.006 for muon, 0.001 for adam")
    options, device = parsed(parser)
    rate = options.rate or (6e-3 if options.optimiser == "muon" else 1e-3)
    random = np.random.default_rng(options.seed)
    held_out = json.load(open(options.held_out))
    known, unknown = split(options.photos, held_out["photos"])
    photos = Pictures(known, 320, device)
    tests = Pictures(list(unknown.values()), options.size, device) if unknown else None
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
    weights = weights_of(model)
    kernels = [name for name in weights if name.endswith(".weight") and not name.startswith("last")]
    optimiser = Muon(weights, device, kernels) if options.optimiser == "muon" else Adam(weights, device)
    choice = torch.eye(len(styles), device=device)
    print(
        f"{len(photos.sizes)} photos, {len(styles)} styles, {len(optimiser.vector) / 1e6:.2f} million weights on {device}",
        flush=True,
    )

    around = margins(weights)
    count = options.batch
    inputs = torch.zeros(4 + 6 * count, device=device)
    names = [f"content {CONTENT}", *(f"style {tap}" for tap in STYLES), "total variation"]
    trail = torch.zeros(1 + len(names), device=device)

    def losses(images, which, parameters):
        """The terms for the pictures of photos with margins in the given styles, each [N]."""
        pictures = transformer(images, choice.index_select(0, which), parameters)
        before, size = around[0], pictures.shape[2]
        images = images[:, :, before : before + size, before : before + size].contiguous()
        with lower_precision(device):
            with torch.no_grad():
                wanted = activations(images, teacher, until="conv4_2")[CONTENT]
            features = activations(pictures, teacher)
        style = {tap: targets[tap].index_select(0, which) for tap in STYLES}
        return [
            relative(features[CONTENT] - wanted, wanted),
            *(relative(gram(features[tap]) - style[tap], style[tap]) for tap in STYLES),
            total_variation(pictures),
        ]

    # A third less time for a step, once most of a minute has gone into it.
    fused = torch.compile(losses) if device == "cuda" and not options.no_graph else losses

    def total(terms):
        return 0.15 * terms[0] + sum(terms[1:-1]) / len(STYLES) + 0.5 * terms[-1]

    def step():
        scalars, rows = inputs[:4], inputs[4:].view(count, 6)
        images = photos.cut(rows[:, :5], options.size, *around)
        terms = [term.mean() for term in fused(images, rows[:, 5].long(), optimiser.parameters)]
        optimiser.step(total(terms), scalars)
        with torch.no_grad():
            trail.mul_(TRAIL).add_(torch.stack([total(terms), *terms]).detach(), alpha=1 - TRAIL)

    def tested():
        """The total of the averaged network on the middle squares of photos that it never saw, by style."""
        middle = [[i, *((size - min(size)) / 2), min(size), 0] for i, size in enumerate(tests.sizes)]
        images = tests.cut(torch.tensor(np.array(middle), dtype=torch.float32, device=device), options.size, *around)
        with torch.no_grad():
            return [
                total(losses(images, torch.full([len(images)], s, device=device), optimiser.views(optimiser.averaged))).mean().item()
                for s in range(len(styles))
            ]

    def feed(number, pace):
        rows = np.column_stack([photos.choose(random, count, options.size), random.integers(len(styles), size=count)])
        inputs.copy_(torch.from_numpy(np.concatenate([optimiser.scalars(number, pace), rows.flatten()]).astype(np.float32)))

    feed(1, 0)
    run = step if options.no_graph else replayable(step, device)
    for state in (*optimiser.memory(), trail):
        state.zero_()
    clock, record = Clock(options.seconds, options.steps), Record(TRAIL)

    def keep():
        """The network as it is: a run may be ended from outside."""
        training = {
            "by": "training/transformer.py",
            "iterations": clock.done,
            "batch": count,
            "cropSize": options.size,
            "styleSize": options.style_size,
            "contentWeight": 0.15,
            "styleWeight": 1,
            "tvWeight": 0.5,
            "optimiser": options.optimiser,
            "learningRate": rate,
            "seed": options.seed,
            "lossNetwork": "vgg19",
            "photos": len(photos.sizes),
            "losses": dict(zip(names, record.rows[-1][2:])),
        }
        save(options.output, model, optimiser.views(optimiser.averaged), training)
        if options.log:
            record.write(options.log, ["total", *names])

    while clock.part() < 1:
        feed(clock.done + 1, rate * clock.factor())
        run()
        clock.done += 1
        if (clock.done % 50 == 0 or clock.part() >= 1) and record.add(clock, ["total", *names], trail):
            keep()
    keep()
    print(f"{clock.done} steps in {clock.elapsed():.0f} s", flush=True)
    if tests:
        results = tested()
        each = ", ".join(f"{name} {value:.4f}" for name, value in zip(styles, results))
        print(f"{len(tests.sizes)} photos held out: {np.mean(results):.4f} ({each})", flush=True)


if __name__ == "__main__":
    main()
