#!/usr/bin/env python3
"""Writes train.json beside this file: three training steps of tiny style networks, made by PyTorch.

Needs Debian's python3-torch. The network is written from Johnson et al. 2016 (supplement), Dumoulin et al. 2017 and the
ONNX specification of DepthToSpace, the losses from their definitions; PyTorch differentiates them, clips the gradient
and steps with torch.optim.Adam(amsgrad=True). Everything is float64 and seeded. See README.md for the format.

    /usr/bin/python3 tests/oracle/make-train-oracle.py
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS = 3
MEAN = [123.68, 116.779, 103.939]
VGG = (('conv1_1', 3), ('conv1_2', 4), ('conv2_1', 4))
LAYERS = ('relu1_1', 'relu2_1')
LAYER_SHARES = {'relu1_1': 0.25, 'relu2_1': 0.75}
WEIGHTS = {'content': 0.15, 'style': 1, 'tv': 0.5}
SHIFT = (3, 5)


# ---------------------------------------------------------------- numbers in and out

def exact(values, bits=12):
    """Rounds to integers of at most `bits` bits times one power of two. Returns (rounded values, JSON tensor)."""
    values = np.asarray(values, dtype=np.float64)
    exponent = bits - math.ceil(math.log2(np.abs(values).max() + 1e-30))
    integers = np.rint(values * 2.0**exponent).astype(int)
    rounded = torch.tensor(integers * 2.0**-exponent)
    return rounded, {'shape': list(values.shape), 'scale': 2.0**-exponent, 'data': integers.ravel().tolist()}


def number(x):
    return float(f'{float(x):.7g}')


def tensor(values):
    """A result: 7 significant digits, row-major."""
    assert torch.isfinite(values).all()
    return {'shape': list(values.shape), 'data': [number(v) for v in values.detach().flatten()]}


def picture(rng, height, width):
    """[3,H,W] in [0,1]: a few waves and some noise."""
    y, x = np.mgrid[0:height, 0:width] / 8.0
    planes = []
    for _ in range(3):
        a, b, c, d = rng.uniform(0.3, 2.5, 4)
        wave = np.sin(a * x + b * y + rng.uniform(0, 6)) + np.cos(c * x - d * y + rng.uniform(0, 6))
        planes.append(0.5 + 0.19 * wave + 0.1 * rng.uniform(-1, 1, (height, width)))
    return np.clip(np.stack(planes), 0.001, 0.999)


# ---------------------------------------------------------------- the loss network

def make_vgg(rng):
    weights, packed, inner = {}, {}, 3
    for name, outer in VGG:
        kernel = rng.standard_normal((outer, inner, 3, 3)) * math.sqrt(2 / (9 * inner))
        for part, values in (('weight', kernel), ('bias', rng.uniform(-10, 25, outer))):
            weights[f'{name}.{part}'], packed[f'{name}.{part}'] = exact(values)
        inner = outer
    return weights, packed


def features(vgg, x):
    x = 255 * x - torch.tensor(MEAN).view(1, 3, 1, 1)
    taps = {}
    for name, _ in VGG:
        x = F.relu(F.conv2d(x, vgg[f'{name}.weight'], vgg[f'{name}.bias'], padding=1))
        taps[name.replace('conv', 'relu')] = x
        if name == 'conv1_2':
            x = F.max_pool2d(x, 2)
    return taps


def gram(f):
    """[N,C,C]: sums over positions of F_i F_j / (C H W)."""
    _, c, h, w = f.shape
    return torch.einsum('nihw,njhw->nij', f, f) / (c * h * w)


# ---------------------------------------------------------------- the style network

def weight_shapes(channels, kernels, styles):
    """In the order of the layers. With no channels at full size, the last convolution makes 2x2 pixels of each position."""
    full, half, quarter = channels
    layers = [('first', 3, full or half, kernels[0])]
    if full:
        layers.append(('down1', full, half, 3))
    layers += [('down2', half, quarter, 3), ('residual1a', quarter, quarter, 3), ('residual1b', quarter, quarter, 3),
               ('up1', quarter, half, 3)]
    if full:
        layers.append(('up2', half, full, 3))
    shapes = {}
    for name, inner, outer, side in layers:
        shapes[f'{name}.weight'] = (outer, inner, side, side)
        shapes[f'{name}.scale'] = (styles, outer)
        if name != 'residual1b':
            shapes[f'{name}.shift'] = (styles, outer)
    colours = 3 if full else 12
    shapes['last.weight'] = (colours, full or half, kernels[1], kernels[1])
    shapes['last.bias'] = (colours,)
    return shapes


def make_weights(rng, shapes):
    weights, packed = {}, {}
    for name, shape in shapes.items():
        kind = name.split('.')[1]
        if kind == 'weight':
            values = rng.standard_normal(shape) * math.sqrt((1 if name.startswith('last') else 2) / np.prod(shape[1:]))
        else:
            values = rng.uniform(-0.4, 0.4, shape) + (1 if kind == 'scale' else 0)
        weights[name], packed[name] = exact(values)
    return weights, packed


def margin_of(p):
    """All convolutions together take this much at each side: halves of the first and the last kernel, and one element of each other
    kernel of 3 at its own scale; at half size, the tent takes one pixel more."""
    first, last = (p[f'{name}.weight'].shape[-1] // 2 for name in ('first', 'last'))
    return first + 1 + 2 + 4 * 2 + 2 + 1 + last if 'down1.weight' in p else first + 2 + 4 * 2 + 2 + 2 * last + 1


def transform(p, x, styles):
    """x [N,3,H,W] in [0,1], of which the border is only looked at; styles [N,S], the shares of the styles."""
    n, _, *sides = x.shape
    height, width = (side - 2 * margin_of(p) for side in sides)
    full = 'down1.weight' in p

    def layer(x, name, stride=1):
        kernel = p[f'{name}.weight']
        x = F.conv2d(x, kernel, stride=stride)
        mean = x.mean(dim=(2, 3), keepdim=True)
        variance = x.var(dim=(2, 3), unbiased=False, keepdim=True)
        x = (x - mean) / (variance + 1e-5).sqrt() * (styles @ p[f'{name}.scale']).view(n, -1, 1, 1)
        shift = p.get(f'{name}.shift')
        return x if shift is None else x + (styles @ shift).view(n, -1, 1, 1)

    def enlarge(x):
        return F.interpolate(x, scale_factor=2, mode='nearest')

    x = F.relu(layer(x * 2 - 1, 'first', 1 if full else 2))
    if full:
        x = F.relu(layer(x, 'down1', 2))
    x = F.relu(layer(x, 'down2', 2))
    x = x[:, :, 2:-2, 2:-2] + layer(F.relu(layer(x, 'residual1a')), 'residual1b')
    x = F.relu(layer(enlarge(x), 'up1'))
    if full:
        x = F.relu(layer(enlarge(x), 'up2'))
    x = F.conv2d(x, p['last.weight'], p['last.bias'])
    if not full:
        # DepthToSpace, mode DCR: the channels are [row, column, colour].
        _, _, h, w = x.shape
        x = x.view(n, 2, 2, 3, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, 3, 2 * h, 2 * w)
        # Each colour by itself, [1,2,1]/4 down and across.
        line = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype) / 4
        x = F.conv2d(x, torch.outer(line, line).expand(3, 1, 3, 3), groups=3)
    x = 0.5 + 0.5 * torch.tanh(x)
    return x[:, :, :height, :width]


# ---------------------------------------------------------------- a training step

def relative(current, target):
    """Of each picture: squared error over the target's squares; then the mean over the batch is taken by the caller."""
    axes = tuple(range(1, current.dim()))
    return (current - target).pow(2).mean(axes) / (target.pow(2).mean(axes) + 1e-12)


def loss_terms(p, vgg, batch, targets, stability):
    """Name -> (weight in the total, value)."""
    photos, shares, margin = batch['photos'], batch['styles'], margin_of(p)
    pictures = transform(p, photos, shares)
    seen, wanted = features(vgg, pictures), features(vgg, photos[:, :, margin:-margin, margin:-margin])
    terms = {'content relu2_1': (WEIGHTS['content'], relative(seen['relu2_1'], wanted['relu2_1']).mean())}
    for layer in LAYERS:
        target = torch.einsum('ns,sij->nij', shares, targets[layer])
        value = (relative(gram(seen[layer]), target) * batch['styleWeights']).mean()
        terms[f'style {layer}'] = (WEIGHTS['style'] * LAYER_SHARES[layer], value)
    right, down = pictures[..., 1:] - pictures[..., :-1], pictures[..., 1:, :] - pictures[..., :-1, :]
    terms['total variation'] = (WEIGHTS['tv'], right.pow(2).mean() + down.pow(2).mean())
    if stability:
        def shifted(x):
            side = x.shape[-1] - max(SHIFT)
            return x[:, :, SHIFT[0]:SHIFT[0] + side, SHIFT[1]:SHIFT[1] + side]

        change = transform(p, shifted(photos + batch['noise']), shares) - shifted(pictures)
        terms['stability'] = (stability, change.pow(2).mean())
    return terms


def make_case(rng, title, channels, kernels, styles, size, stability, clip):
    vgg, vgg_packed = make_vgg(rng)
    paintings = [torch.tensor(picture(rng, 20, 26))[None] for _ in range(styles)]
    targets, targets_packed = {}, {}
    for layer in LAYERS:
        grams = torch.cat([gram(features(vgg, painting)[layer]) for painting in paintings])
        targets[layer], targets_packed[layer] = exact(grams.numpy())
    start, start_packed = make_weights(rng, weight_shapes(channels, kernels, styles))
    side = size + 2 * margin_of(start)
    photos, photos_packed = exact(np.stack([picture(rng, side, side) for _ in range(2)]))
    style_weights, style_weights_packed = exact([1.5, 0.75])
    shares = [[0.75, 0.25], [0.125, 0.875]] if styles == 2 else [[1.0], [1.0]]
    batch = {'photos': photos, 'styles': torch.tensor(shares), 'styleWeights': style_weights}
    packed = {'photos': photos_packed, 'styles': exact(shares)[1], 'styleWeights': style_weights_packed}
    if stability:
        batch['noise'], packed['noise'] = exact(rng.uniform(-0.1, 0.1, photos.shape), 7)

    adam = {'rates': [0.02, 0.05, 0.03], 'betas': [0.9, 0.6], 'eps': 1e-8}
    p = {name: w.clone().requires_grad_() for name, w in start.items()}
    optimizer = torch.optim.Adam(p.values(), lr=1, betas=adam['betas'], eps=adam['eps'], amsgrad=True)
    steps = []
    for rate in adam['rates']:
        optimizer.param_groups[0]['lr'] = rate
        optimizer.zero_grad()
        terms = loss_terms(p, vgg, batch, targets, stability)
        total = sum(weight * value for weight, value in terms.values())
        total.backward()
        gradients = {name: w.grad.clone() for name, w in p.items()}
        norm = torch.cat([g.flatten() for g in gradients.values()]).norm()
        if clip:
            assert norm > 1.5 * clip, 'nothing is clipped'
            torch.nn.utils.clip_grad_norm_(p.values(), clip)
        optimizer.step()
        steps.append({'total': number(total), 'terms': {name: number(value) for name, (_, value) in terms.items()},
                      'gradientNorm': number(norm), 'gradients': {name: tensor(g) for name, g in gradients.items()},
                      'weights': {name: tensor(w) for name, w in p.items()}})
    held = {name: optimizer.state[w] for name, w in p.items()}
    assert any((s['max_exp_avg_sq'] > 1.01 * s['exp_avg_sq']).any() for s in held.values()), 'AMSGrad makes no difference'
    state = {ours: {name: tensor(s[theirs]) for name, s in held.items()} for ours, theirs in
             (('first moment', 'exp_avg'), ('second moment', 'exp_avg_sq'), ('largest moment', 'max_exp_avg_sq'))}
    print(f'{title}: {sum(w.numel() for w in p.values())} weights, total {[step["total"] for step in steps]}, '
          f'gradient norm {[step["gradientNorm"] for step in steps]}')
    return {'title': title, 'channels': channels, 'kernels': kernels, 'styles': styles, 'size': size,
            'stabilityWeight': stability, 'clipNorm': clip, 'adam': adam, 'lossWeights': WEIGHTS,
            'styleLayers': LAYER_SHARES, 'vgg': vgg_packed, 'targets': targets_packed, 'start': start_packed,
            'batch': packed, 'steps': steps, 'state': state}


def main():
    cases = [
        make_case(np.random.default_rng(2016), 'two styles, sub-pixel convolution, stability, clipped', [0, 2, 3], [5, 3],
                  2, 24, 5, 0.25),
        make_case(np.random.default_rng(2017), 'one style, layers at full size', [2, 2, 3], [3, 5], 1, 19, 0, 0),
    ]
    made_with = {'python': sys.version.split()[0], 'torch': torch.__version__, 'numpy': np.__version__,
                 'dtype': 'float64'}
    lines = (json.dumps(case, separators=(',', ':'), allow_nan=False) for case in cases)
    path = Path(__file__).with_name('train.json')
    path.write_text(f'{{\n"madeWith":{json.dumps(made_with)},\n"cases":[\n' + ',\n'.join(lines) + '\n]}\n')
    print(f'{path.name}: {path.stat().st_size / 1000:.0f} kB')


main()
