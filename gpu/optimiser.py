"""Adam and Muon over all weights at once, the schedule by the clock, and steps that a GPU replays as one graph."""

import argparse
import contextlib
import math
import os
import time

import numpy as np
import torch


class Adam:
    """Adam (Kingma & Ba 2014) with averaged weights. All parameters are views of one vector.

    `relative`: each tensor moves by a share of its own root mean square, as in `fauve distil`.
    """

    def __init__(self, tensors, device, betas=(0.9, 0.999), average=0.999, relative=False, epsilon=1e-8):
        self.names = list(tensors)
        parts = [tensors[name].to(device).float().flatten() for name in self.names]
        self.vector = torch.cat(parts)
        self.mean, self.square = torch.zeros_like(self.vector), torch.zeros_like(self.vector)
        self.averaged = self.vector.clone()
        size = lambda part: part.square().mean().sqrt().clamp(min=1e-6) if relative else torch.ones((), device=device)
        self.pace = torch.cat([size(part).expand(len(part)) for part in parts])
        self.betas, self.average, self.epsilon = betas, average, epsilon
        self.shapes = {name: tensors[name].shape for name in self.names}
        self.parameters = self.views(self.vector)
        for view in self.parameters.values():
            view.requires_grad_()

    def views(self, vector):
        at, views = 0, {}
        for name, shape in self.shapes.items():
            views[name] = vector[at : at + shape.numel()].view(shape).detach()
            at += shape.numel()
        return views

    def step(self, loss, scalars):
        """scalars [4]: the rate, and 1 - beta^t for both betas, and the share of the average that stays."""
        gradients = torch.autograd.grad(loss, list(self.parameters.values()))
        with torch.no_grad():
            g = torch.cat([g.flatten() for g in gradients])
            self.vector.sub_(scalars[0] * self.direction(g, scalars))
            self.settle()
            self.averaged.mul_(scalars[3]).add_(self.vector * (1 - scalars[3]))

    def settle(self):
        """What is done to the weights after they moved."""

    def memory(self):
        """What is zero at the start."""
        return [self.mean, self.square]

    def direction(self, g, scalars):
        b1, b2 = self.betas
        self.mean.mul_(b1).add_(g, alpha=1 - b1)
        self.square.mul_(b2).addcmul_(g, g, value=1 - b2)
        root = (self.square / scalars[2]).sqrt() + self.epsilon
        return self.pace * (self.mean / scalars[1]) / root

    def scalars(self, step, rate):
        """Of step 1, 2, …; the average is young at first."""
        return [rate, 1 - self.betas[0] ** step, 1 - self.betas[1] ** step, min(self.average, (step - 1) / (step + 9))]


class Muon(Adam):
    """Muon (Jordan et al. 2024) for kernels, Adam for all else: the mean gradient of a kernel [O, I*k*k] is made orthogonal.

    A step is as long as one of Adam (Liu et al. 2025). `matrices` are the names of kernels whose results are normalised: their length
    is of no matter, and stays what it was, so that the rate alone says how far a step turns them.
    """

    def __init__(self, tensors, device, matrices, momentum=0.95, **options):
        super().__init__(tensors, device, **options)
        self.momentum = momentum
        self.moving = torch.zeros_like(self.vector)
        self.groups = {}
        for name in matrices:
            self.groups.setdefault(tuple(self.shapes[name]), []).append(name)
        self.lengths = {name: self.parameters[name].detach().norm() for name in matrices}
        self.moving_views = self.views(self.moving)

    def direction(self, g, scalars):
        direction = super().direction(g, scalars)
        self.moving.lerp_(g, 1 - self.momentum)
        gradients, moves = self.views(g), self.views(direction)
        for shape, names in self.groups.items():
            # Nesterov's.
            each = [gradients[name].lerp(self.moving_views[name], self.momentum).flatten(1) for name in names]
            turned = orthogonal(torch.stack(each)) * (0.2 * max(each[0].shape) ** 0.5)
            for name, move in zip(names, turned):
                moves[name].copy_(move.view(shape))
        return direction

    def settle(self):
        for name, length in self.lengths.items():
            view = self.parameters[name]
            view.mul_(length / view.norm())

    def memory(self):
        return [*super().memory(), self.moving]


def orthogonal(matrices):
    """The nearest matrices with orthogonal rows, roughly: five iterations of Newton and Schulz, with Jordan's coefficients."""
    x = matrices / (torch.linalg.matrix_norm(matrices, keepdim=True) + 1e-12)
    wide = x.shape[1] <= x.shape[2]
    x = x if wide else x.mT
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
    return x if wide else x.mT


def arguments(description, start):
    """What both kinds of training are asked for. `start` says what --start is."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--start", required=True, help=start)
    parser.add_argument("--teacher", required=True, help="vgg19.safetensors")
    parser.add_argument("--photos", required=True)
    parser.add_argument("--paintings", required=True)
    parser.add_argument("--held-out", required=True, help="bench/held-out.json")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--steps", type=int, help="instead of --seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-graph", action="store_true", help="run each step by itself")
    parser.add_argument("--log", help="a CSV file for the losses over the steps")
    return parser


def parsed(parser):
    """The options, once everything that they name is there, and the device, ready."""
    options = parser.parse_args()
    for path in (options.start, options.teacher, options.photos, options.paintings, options.held_out):
        if not os.path.exists(path):
            parser.error(f"there is no {path}")
    for path in filter(None, (options.output, options.log)):
        if not os.access(os.path.dirname(path) or ".", os.W_OK):
            parser.error(f"{path} cannot be written: its folder does not exist or takes no files")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    prepare(device)
    torch.manual_seed(options.seed)
    return options, device


class Clock:
    """A run of so many seconds: its length is what a GPU by the hour knows beforehand, not its steps."""

    def __init__(self, seconds, steps=None):
        self.start, self.seconds, self.steps, self.done = time.time(), seconds, steps, 0

    def elapsed(self):
        return time.time() - self.start

    def part(self):
        return min(1, self.done / self.steps if self.steps else self.elapsed() / self.seconds)

    def factor(self):
        """Of the rate: a short rise, then a cosine to zero."""
        return min(1, (self.done + 1) / 100) * 0.5 * (1 + math.cos(math.pi * self.part()))


def lower_precision(device):
    """Matrix units in 16 bits; the losses are computed in 32."""
    if device == "cuda":
        return torch.autocast("cuda", torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()


def replayable(step, device):
    """A function without arguments whose tensors stay where they are, as a graph on a GPU."""
    if device != "cuda":
        return step
    # Compiles what has to be compiled, before anything is recorded.
    step()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def prepare(device):
    torch.set_num_threads(os.cpu_count())
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True


class Record:
    """The losses over the steps, as averages that forget: told every few seconds, and kept for the log."""

    def __init__(self, memory):
        self.memory, self.rows, self.told = memory, [], 0

    def add(self, clock, names, trail):
        """`trail` is the average, which began at zero. A loss that is not finite ends the run. Whether it told is the answer."""
        values = (trail / (1 - self.memory**clock.done)).tolist()
        if not np.isfinite(values[0]):
            raise SystemExit(f"The loss became {values[0]} at step {clock.done}. Use a lower --rate.")
        self.rows.append([clock.done, *values])
        if clock.elapsed() - self.told <= 8:
            return False
        self.told = clock.elapsed()
        losses = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, values))
        print(f"{clock.done} steps, {self.told:.0f} s: {losses}", flush=True)
        return True

    def write(self, path, names):
        np.savetxt(path, self.rows, "%.6g", ",", header=",".join(["step", *names]), comments="")
