"""Trains a distilled network further on a GPU: the second part of `fauve distil`, see README.md.

It starts from the closed form that `fauve distil --steps 0` writes, or from a file of its own, and writes the same format.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import networks
from networks import CONTENT, STYLES, TAPS, activations, grams, power, relative, stylisation
from optimiser import Adam, Clock, Record, arguments, lower_precision, parsed, replayable
from pictures import Pictures, distorted, distortions, read, split

LEVELS = 5
# How much of the average of the losses is kept with each step.
TRAIL = 0.98


class Makings:
    """Pictures in the making, which the student restyles: where it is wrong it leads them there, and learns from them.

    A picture is its content and a sum of levels, each half the size of the one before: with a rate for each, it is made from large to
    small as L-BFGS with Fauve's image pyramid does, or pixel by pixel.
    """

    def __init__(self, count, size, photos, paintings, random, life, device):
        self.size, self.photos, self.paintings, self.random, self.longest = size, photos, paintings, random, life
        of = lambda *shape: torch.zeros(count, *shape, device=device)
        self.content, self.style, self.base = (of(3, size, size) for _ in range(3))
        self.levels, self.first, self.second = ([of(3, size >> l, size >> l) for l in range(LEVELS)] for _ in range(3))
        self.rates, self.weight, self.age, self.life = of(LEVELS), of(), of(), of()
        self.device, self.ages, self.lives = device, np.zeros(count), np.zeros(count)
        for at in range(0, count, 16):
            self.restart(np.arange(at, min(at + 16, count)))
        # The first ones do not all end at once.
        self.lives = np.ceil(self.lives * random.random(count)) + 1

    def restart(self, slots):
        """New photos and paintings for these slots."""
        random, count = self.random, len(slots)
        where = torch.as_tensor(slots, device=self.device)
        tensor = lambda values: torch.as_tensor(np.asarray(values), dtype=torch.float32, device=self.device)
        swap = tensor(random.random(count) < 0.15)[:, None, None, None]
        photos = self.photos.cut(tensor(self.photos.choose(random, count, self.size / 1.4)), self.size)
        paintings = self.paintings.cut(tensor(self.paintings.choose(random, count, self.size)), self.size)
        self.content[where] = content = photos * (1 - swap) + paintings * swap
        self.style[where] = paintings * (1 - swap) + photos * swap
        share = tensor((random.random(count) < 0.2) * random.random(count))[:, None, None, None]
        self.base[where] = content * (1 - share) + torch.rand_like(content) * share
        for tensors in (self.levels, self.first, self.second):
            for level in tensors:
                level[where] = 0
        pixels = random.random(count) < 0.3
        rates = np.where(pixels[:, None], np.eye(1, LEVELS) * 0.04, 0.02) * 2 ** random.uniform(-1, 0.5, (count, 1))
        self.rates[where], self.weight[where] = tensor(rates), tensor(0.15 * 2 ** random.uniform(-1.5, 1.5, count))
        lives = np.round(self.longest * random.uniform(0.15, 1, count))
        self.life[where], self.age[where] = tensor(lives), 0
        self.lives[slots], self.ages[slots] = lives, 0

    def picture(self, slots):
        """The pictures of these slots, and their levels as leaves of the graph."""
        levels = [level.index_select(0, slots).requires_grad_() for level in self.levels]
        return (self.base.index_select(0, slots) + assembled(levels)).clamp(0, 1), levels

    def advance(self, slots, levels, gradients):
        """A step of Adam on each level of the pictures of these slots."""
        age = self.age.index_select(0, slots) + 1
        self.age.index_copy_(0, slots, age)
        decay = 0.5 * (1 + torch.cos(torch.pi * (age / self.life.index_select(0, slots)).clamp(max=1)))
        for l, (level, g) in enumerate(zip(levels, gradients)):
            rate = (self.rates[:, l].index_select(0, slots) * decay)[:, None, None, None]
            state = (self.first[l].index_select(0, slots), self.second[l].index_select(0, slots))
            level, first, second = adam_step(level.detach(), g, *state, age[:, None, None, None], rate)
            for tensor, value in ((self.levels[l], level), (self.first[l], first), (self.second[l], second)):
                tensor.index_copy_(0, slots, value)


def assembled(levels):
    image = levels[-1]
    for level in reversed(levels[:-1]):
        image = level + F.interpolate(image, size=level.shape[2:], mode="bilinear", align_corners=False)
    return image


def adam_step(x, g, first, second, age, rate):
    first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
    root = (second / (1 - 0.99**age)).sqrt() + 1e-12
    return x - rate * (first / (1 - 0.9**age)) / root, first, second


def errors_of(mine_x, theirs_x, mine_rest, theirs_rest, triplets):
    """What the student gets wrong, as in `src/training/loss-network/step.ts`: name -> a mean over pictures.

    `rest` begins with the contents and then the styles of x. Also the student's Gram matrices and targets of x.
    """
    contents, styles = slice(0, triplets), slice(triplets, 2 * triplets)
    errors = {}
    both = lambda a, b, c, d: torch.cat([relative(a - b, b), relative(c - d, d)]).mean()
    for tap in mine_x:
        errors[f"feature {tap}"] = both(mine_x[tap], theirs_x[tap], mine_rest[tap], theirs_rest[tap])
    mine, theirs, mine_others, theirs_others = (grams(view) for view in (mine_x, theirs_x, mine_rest, theirs_rest))
    for tap in mine:
        errors[f"gram {tap}"] = both(mine[tap], theirs[tap], mine_others[tap], theirs_others[tap])
        wanted = theirs_others[tap][styles]
        errors[f"residual {tap}"] = residual(mine[tap] - mine_others[tap][styles], theirs[tap] - wanted, wanted)
    content = theirs_rest[CONTENT][contents]
    change = mine_x[CONTENT] - mine_rest[CONTENT][contents]
    errors[f"residual {CONTENT}"] = residual(change, theirs_x[CONTENT] - content, content)
    return errors, (mine, mine_rest[CONTENT][contents], {tap: mine_others[tap][styles] for tap in mine})


def residual(mine, theirs, target):
    """What is wrong with how far a picture is from its target: over the target's power, as in the losses, and over the distance
    while that is still large; otherwise a few pictures that are far away are all that counts."""
    return (power(mine - theirs) / (power(target) + power(theirs) + networks.TINY)).mean()


def weight_of(name, options):
    return {"feature": 1, "gram": options.gram_weight, "residual": options.residual_weight}[name.split()[0]]


def judged(tensors, teacher, pairs, device, steps=60):
    """The real test: pictures that the student makes of held-out pairs, and what the teacher says of them: losses [N]."""
    contents, styles = pairs
    with torch.no_grad(), lower_precision(device):
        content, wanted = activations(contents, tensors)[CONTENT], grams(activations(styles, tensors))
    levels = [
        torch.zeros(len(contents), 3, contents.shape[2] >> l, contents.shape[3] >> l, device=device)
        for l in range(LEVELS)
    ]
    states = [(torch.zeros_like(level), torch.zeros_like(level)) for level in levels]
    for step in range(1, steps + 1):
        levels = [level.detach().requires_grad_() for level in levels]
        x = (contents + assembled(levels)).clamp(0, 1)
        with lower_precision(device):
            features = activations(x, tensors)
        loss = stylisation(x, features, grams(features), content, wanted, 0.15)
        gradients = torch.autograd.grad(loss.sum(), levels)
        rate = 0.02 * 0.5 * (1 + np.cos(np.pi * step / steps))
        with torch.no_grad():
            moved = [adam_step(level, g, *state, step, rate) for level, g, state in zip(levels, gradients, states)]
        levels, states = [level for level, *_ in moved], [state for _, *state in moved]
    with torch.no_grad(), lower_precision(device):
        x = ((contents + assembled(levels)).clamp(0, 1) * 255).round() / 255
        features = activations(x, teacher)
        target = activations(contents, teacher)[CONTENT], grams(activations(styles, teacher))
        return stylisation(x, features, grams(features), *target, 0.15)


def main():
    parser = arguments(__doc__, "what fauve distil --steps 0 or this script wrote")
    parser.add_argument("--size", type=int, default=224, help="side of a crop, a multiple of 16")
    parser.add_argument("--triplets", type=int, default=8)
    parser.add_argument("--fresh", type=int, default=8)
    parser.add_argument("--pool", type=int, default=96)
    parser.add_argument("--life", type=int, default=60)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--gram-weight", type=float, default=5)
    parser.add_argument("--residual-weight", type=float, default=5)
    options, device = parsed(parser)
    if options.pool < options.triplets:
        parser.error(f"--pool has to hold the --triplets of a step, {options.triplets}; received {options.pool}")
    random = np.random.default_rng(options.seed)
    held_out = json.load(open(options.held_out))
    photos, kept_photos = split(options.photos, held_out["photos"])
    paintings, kept_paintings = split(options.paintings, held_out["paintings"])
    # Test photos that come with Fauve lie near the list.
    beside = Path(options.held_out).resolve().parent
    for folder in (beside / "photos", beside.parent / "examples/photos"):
        if folder.is_dir():
            kept_photos.update(split(folder, held_out["photos"])[1])
    began = time.time()
    pictures = Pictures(photos, 320, device), Pictures(paintings, 480, device)
    square = lambda path: F.interpolate(centre(read(path, 256)).float()[None] / 255, size=256)
    stem = lambda name: name.rsplit(".", 1)[0]
    both = [pair for pair in held_out["pairs"] if stem(pair[0]) in kept_photos and stem(pair[1]) in kept_paintings]
    sides = [[kept[stem(pair[i])] for pair in both] for i, kept in enumerate((kept_photos, kept_paintings))]
    teacher = networks.load_vgg(options.teacher, device)
    start, metadata = networks.load_distilled(options.start)
    adam = Adam(start, device, relative=True)
    makings = Makings(options.pool, options.size, *pictures, random, options.life, device)
    print(
        f"{len(photos)} photos, {len(paintings)} paintings, {len(adam.vector) / 1e6:.2f} million weights on {device}; "
        f"{time.time() - began:.0f} s",
        flush=True,
    )
    T, fresh = options.triplets, options.fresh
    names = []
    inputs = torch.zeros(4 + T + 13 * fresh, device=device)
    # The total and the errors, averaged.
    trail = torch.zeros(2 + len(TAPS) + 2 * len(STYLES), device=device)

    def step():
        scalars, slots, rest = inputs[:4], inputs[4 : 4 + T].long(), inputs[4 + T :].view(fresh, 13)
        squares = rest[:, :5]
        half = fresh // 2
        others = torch.cat(
            [pictures[0].cut(squares[:half], options.size), pictures[1].cut(squares[half:], options.size)]
        )
        x, levels = makings.picture(slots)
        rest = torch.cat(
            [
                makings.content.index_select(0, slots),
                makings.style.index_select(0, slots),
                distorted(others, rest[:, 5:]),
            ]
        )
        with lower_precision(device):
            with torch.no_grad():
                theirs_x, theirs_rest = activations(x, teacher), activations(rest, teacher)
            mine_x, mine_rest = activations(x, adam.parameters), activations(rest, adam.parameters)
        errors, (mine, content, wanted) = errors_of(mine_x, theirs_x, mine_rest, theirs_rest, T)
        total = sum(weight_of(name, options) * error for name, error in errors.items())
        picture_loss = stylisation(x, mine_x, mine, content, wanted, makings.weight.index_select(0, slots))
        gradients = torch.autograd.grad(picture_loss.sum(), levels, retain_graph=True)
        adam.step(total, scalars)
        with torch.no_grad():
            makings.advance(slots, levels, gradients)
            trail.mul_(TRAIL).add_(torch.stack([total, *errors.values()]).detach(), alpha=1 - TRAIL)
        if not names:
            names.extend(["total", *errors])

    def feed(number, rate):
        slots = random.choice(options.pool, T, replace=False)
        squares = np.concatenate(
            [
                pictures[0].choose(random, fresh // 2, options.size / 1.4),
                pictures[1].choose(random, fresh - fresh // 2, options.size),
            ]
        )
        rest = np.column_stack([squares, distortions(random, fresh, 0.7)])
        values = np.concatenate([adam.scalars(number, rate), slots, rest.flatten()]).astype(np.float32)
        inputs.copy_(torch.from_numpy(values))
        return slots

    feed(1, 0)
    run = step if options.no_graph else replayable(step, device)
    # The rehearsals counted in the averages.
    for state in (adam.mean, adam.square, trail):
        state.zero_()
    clock, record = Clock(options.seconds, options.steps), Record(TRAIL)

    def keep():
        """The network as it is: a run may be ended from outside."""
        trained = adam.views(adam.averaged)
        made = f"{metadata['made']}; then {clock.done} steps of gpu/distil.py, seed {options.seed}"
        networks.save_distilled(options.output, {name: trained[name] for name in start}, {**metadata, "made": made})
        if options.log:
            record.write(options.log, names)
        return trained

    while clock.part() < 1:
        slots = feed(clock.done + 1, options.rate * clock.factor())
        run()
        clock.done += 1
        makings.ages[slots] += 1
        ended = slots[makings.ages[slots] >= makings.lives[slots]]
        if len(ended):
            makings.restart(ended)
        if clock.done % 50 == 0 and record.add(clock, names, trail):
            keep()
    trained = keep()
    print(f"{clock.done} steps in {clock.elapsed():.0f} s", flush=True)
    if not both:
        print("No test: none of the held-out pairs is in the folders.")
        return
    pairs = [torch.cat([square(path) for path in side]).to(device) for side in sides]
    own = judged(teacher, teacher, pairs, device)
    for what, tensors in (("start", start), ("trained", networks.load_distilled(options.output)[0])):
        losses = judged({name: t.to(device) for name, t in tensors.items()}, teacher, pairs, device)
        share = (losses / own).log().mean().exp()
        print(
            f"{what}: {share:.4f} of the teacher's own loss; " + " ".join(f"{loss:.4f}" for loss in losses.tolist()),
            flush=True,
        )


def centre(image):
    side = min(image.shape[1:])
    top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
    return image[:, top : top + side, left : left + side]


if __name__ == "__main__":
    main()
