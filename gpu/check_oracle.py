"""Compares a training step of these scripts with tests/oracle/train.json, as `tests/train-torch.test.ts` does with Fauve's own.

    python3 gpu/check_oracle.py

Needs torch and numpy alone. The oracle's AMSGrad, clipping and stability are not here: what has them is compared as far as it goes.
"""

import json
from pathlib import Path

import torch

from optimiser import Adam
from style_network import losses

ORACLE = Path(__file__).parent.parent / "tests/oracle/train.json"


def tensor(entry):
    return torch.tensor(entry["data"], dtype=torch.float64).mul(entry.get("scale", 1)).reshape(entry["shape"]).float()


def tensors(entries):
    return {name: tensor(entry) for name, entry in entries.items()}


def compare(what, ours, theirs, limit):
    """The distance over the length of what it has to be."""
    error = ((ours - theirs).norm() / theirs.norm()).item()
    if not error < limit:
        raise SystemExit(f"{what} is off by {error:.1e}, at most {limit:.0e} is allowed.")


def check(case):
    teacher, start, batch = tensors(case["vgg"]), tensors(case["start"]), tensors(case["batch"])
    # The oracle divides a Gram matrix by the channels, too.
    targets = {tap: matrices * matrices.shape[1] for tap, matrices in tensors(case["targets"]).items()}
    grams = {tap: torch.einsum("ns,sij->nij", batch["styles"], matrices) for tap, matrices in targets.items()}
    adam = Adam(start, "cpu", betas=case["adam"]["betas"], epsilon=case["adam"]["eps"])
    weights, plain = case["lossWeights"], not case["stabilityWeight"] and not case["clipNorm"]
    for number, step in enumerate(case["steps"], 1):
        content, *styles, variation = losses(batch["photos"], batch["styles"], grams, adam.parameters, teacher, "relu2_1")
        terms = {"content relu2_1": content.mean(), "total variation": variation.mean()}
        terms |= {f"style {tap}": (style * batch["styleWeights"]).mean() for tap, style in zip(grams, styles)}
        for name, value in terms.items():
            compare(f"step {number}: {name}", value.detach(), torch.tensor(step["terms"][name]), 1e-4)
        if plain:
            style = sum(share * terms[f"style {tap}"] for tap, share in case["styleLayers"].items())
            total = weights["content"] * terms["content relu2_1"] + weights["style"] * style
            total = total + weights["tv"] * terms["total variation"]
            compare(f"step {number}: total", total.detach(), torch.tensor(step["total"]), 1e-4)
            gradients = torch.autograd.grad(total, list(adam.parameters.values()), retain_graph=number == 1)
            for name, gradient in zip(adam.parameters, gradients):
                compare(f"step {number}: gradient of {name}", gradient, tensor(step["gradients"][name]), 1e-3)
            # AMSGrad begins as Adam does.
            if number == 1:
                adam.step(total, torch.tensor(adam.scalars(1, case["adam"]["rates"][0])))
                for name, value in adam.parameters.items():
                    compare(f"after step 1: {name}", value.detach(), tensor(step["weights"][name]), 1e-3)
        with torch.no_grad():
            for name, value in tensors(step["weights"]).items():
                adam.parameters[name].copy_(value)


for case in json.loads(ORACLE.read_text())["cases"]:
    check(case)
    print(f"{case['title']}: as the oracle says")
