"""Trains a style network on a GPU, with VGG-19 as the loss network: what `fauve train` does, see README.md.

It starts from a network that `fauve train` wrote (one iteration is enough), and writes the same format with the same styles.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch

import networks
from networks import CONTENT, STYLES, activations, gram
from optimiser import Adam, Clock, Muon, Record, arguments, parsed, replayable
from pictures import Pictures, read, split
from style_network import losses, margins
from style_network_file import save, weights_of

# How much of the average of the losses is kept with each step.
TRAIL = 0.99


def targets_of(styles, gallery, options, teacher):
    """Layer -> the Gram matrices of the styles' paintings [S,C,C]."""
    grams = {tap: [] for tap in STYLES}
    for style in styles:
        entry = gallery[style]
        path = next(Path(options.paintings).glob(f"{Path(entry['file']).stem}.*"))
        painting = read(path, longer=options.style_size, crop_bottom=entry.get("cropBottom", 0))
        with torch.no_grad():
            features = activations(painting.to(teacher["conv1_1.bias"].device)[None] / 255, teacher)
        for tap in STYLES:
            grams[tap].append(gram(features[tap])[0])
    return {tap: torch.stack(values) for tap, values in grams.items()}


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
    targets = targets_of(styles, gallery, options, teacher)
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

    def terms_of(images, which, parameters):
        grams = {tap: matrices.index_select(0, which) for tap, matrices in targets.items()}
        return losses(images, choice.index_select(0, which), grams, parameters, teacher)

    # A third less time for a step, once most of a minute has gone into it.
    fused = torch.compile(terms_of) if device == "cuda" and not options.no_graph else terms_of

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
        averaged = optimiser.views(optimiser.averaged)
        with torch.no_grad():
            return [
                total(terms_of(images, torch.full([len(images)], s, device=device), averaged)).mean().item()
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
            "by": "gpu/train.py",
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
