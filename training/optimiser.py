"""Adam over all weights at once, the schedule by the clock, and steps that a GPU replays as one graph."""

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

    def step(self, loss, scalars, retain_graph=False):
        """scalars [4]: the rate, and 1 - beta^t for both betas, and the share of the average that stays."""
        gradients = torch.autograd.grad(loss, list(self.parameters.values()), retain_graph=retain_graph)
        with torch.no_grad():
            g = torch.cat([g.flatten() for g in gradients])
            b1, b2 = self.betas
            self.mean.mul_(b1).add_(g, alpha=1 - b1)
            self.square.mul_(b2).addcmul_(g, g, value=1 - b2)
            root = (self.square / scalars[2]).sqrt() + self.epsilon
            self.vector.sub_(scalars[0] * self.pace * (self.mean / scalars[1]) / root)
            self.averaged.mul_(scalars[3]).add_(self.vector * (1 - scalars[3]))

    def scalars(self, step, rate):
        """Of step 1, 2, …; the average is young at first."""
        return [rate, 1 - self.betas[0] ** step, 1 - self.betas[1] ** step, min(self.average, (step - 1) / (step + 9))]


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
        """`trail` is the average, which began at zero. A loss that is not finite ends the run."""
        values = (trail / (1 - self.memory**clock.done)).tolist()
        if not np.isfinite(values[0]):
            raise SystemExit(f"The loss became {values[0]} at step {clock.done}. Use a lower --rate.")
        self.rows.append([clock.done, *values])
        if clock.elapsed() - self.told > 8:
            self.told = clock.elapsed()
            losses = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, values))
            print(f"{clock.done} steps, {self.told:.0f} s: {losses}", flush=True)

    def write(self, path, names):
        np.savetxt(path, self.rows, "%.6g", ",", header=",".join(["step", *names]), comments="")
