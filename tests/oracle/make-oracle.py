#!/usr/bin/env python3
"""Writes torch.json beside this file: numbers from PyTorch, numpy and SciPy that Fauve's own code is compared with.

Needs Debian's python3-torch and python3-scipy. Everything is float64 and seeded; every input is an integer times a
power of two, so that it is exact in float32 as well. The losses are written here from their definitions and
differentiated by PyTorch. See README.md for the format.

    /usr/bin/python3 tests/oracle/make-oracle.py
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import scipy
import scipy.optimize
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

BLOCKS = (2, 2, 4, 4, 1)
CHANNELS = (4, 6, 8, 8, 8)
CONTENT_LAYER = 'relu4_2'
STYLE_LAYERS = ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1')
BLEND = (0.7, 0.3)


# ---------------------------------------------------------------- numbers in and out

def exact(values, bits=12):
    """Rounds to integers of at most `bits` bits times one power of two. Returns (rounded values, JSON tensor)."""
    values = np.asarray(values, dtype=np.float64)
    exponent = bits - math.ceil(math.log2(np.abs(values).max() + 1e-30))
    integers = np.rint(values * 2.0**exponent).astype(int)
    rounded = integers * 2.0**-exponent
    assert np.array_equal(rounded, rounded.astype(np.float32))
    return rounded, {'shape': list(values.shape), 'scale': 2.0**-exponent, 'data': integers.ravel().tolist()}


def number(x):
    return float(f'{float(x):.9g}')


def tensor(values):
    """A result: 9 significant digits, row-major."""
    values = values.detach().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, dtype=np.float64)
    assert np.isfinite(values).all()
    return {'shape': list(values.shape), 'data': [number(v) for v in values.ravel()]}


# ---------------------------------------------------------------- pictures and networks

def picture(rng, height, width):
    """[1,3,H,W] in [0,1]: a few waves and some noise, so that the layers have something to see."""
    y, x = np.mgrid[0:height, 0:width] / 10.0
    planes = []
    for _ in range(3):
        a, b, c, d = rng.uniform(0.3, 2.5, 4)
        wave = np.sin(a * x + b * y + rng.uniform(0, 6)) + np.cos(c * x - d * y + rng.uniform(0, 6))
        planes.append(0.5 + 0.19 * wave + 0.1 * rng.uniform(-1, 1, (height, width)))
    return exact(np.clip(np.stack(planes)[None], 1 / 4096, 4095 / 4096))


def make_weights(rng, size, generated, preprocessing):
    """He-scaled kernels; each layer is then scaled so that its activations keep the size `size`."""
    weights, packed = {}, {}
    x, fan = preprocess(torch.tensor(generated), preprocessing), 3
    for block, (count, channels) in enumerate(zip(BLOCKS, CHANNELS), 1):
        for i in range(1, count + 1):
            kernel = rng.standard_normal((channels, fan, 3, 3))
            bias = rng.uniform(-0.3, 0.5, channels) * size
            rms = F.conv2d(x, torch.tensor(kernel), padding=1).pow(2).mean().sqrt().item()
            for part, values in (('weight', kernel * size * 1.4 / rms), ('bias', bias)):
                name = f'conv{block}_{i}.{part}'
                weights[name], packed[name] = exact(values)
            x = F.relu(F.conv2d(x, torch.tensor(weights[f'conv{block}_{i}.weight']),
                                torch.tensor(weights[f'conv{block}_{i}.bias']), padding=1))
            fan = channels
        if block < len(BLOCKS):
            x = F.avg_pool2d(x, 2)
    return {name: torch.tensor(w) for name, w in weights.items()}, packed


def preprocess(image, p):
    return (image * p['scale'] - torch.tensor(p['mean']).view(1, 3, 1, 1)) / torch.tensor(p['std']).view(1, 3, 1, 1)


def network_features(network, image, margins=None):
    """Every relu layer's activations. `margins` collects how close values come to a kink of ReLU or max pooling."""
    weights, pooling, preprocessing = network
    x, taps = preprocess(image, preprocessing), {}
    for block, count in enumerate(BLOCKS, 1):
        for i in range(1, count + 1):
            x = F.conv2d(x, weights[f'conv{block}_{i}.weight'], weights[f'conv{block}_{i}.bias'], padding=1)
            if margins is not None:
                margins.append((x.abs().min() / x.pow(2).mean().sqrt()).item())
            x = taps[f'relu{block}_{i}'] = F.relu(x)
        if block == len(BLOCKS):
            break
        if margins is not None and pooling == 'max':
            windows = F.unfold(x.transpose(0, 1), 2, stride=2).topk(2, dim=1).values
            gap = (windows[:, 0] - windows[:, 1])[windows[:, 0] > 0]
            margins.append((gap.min() / x.pow(2).mean().sqrt()).item())
        x = F.max_pool2d(x, 2) if pooling == 'max' else F.avg_pool2d(x, 2)
    return taps


# ---------------------------------------------------------------- losses, from their definitions

def gram(f):
    """G_ij = sum over positions of F_i F_j / (C H W)."""
    _, c, h, w = f.shape
    return torch.einsum('ihw,jhw->ij', f[0], f[0]) / (c * h * w)


def gram_statistics(f):
    return [gram(f)]


def mean_variance_statistics(f):
    return [f[0].mean(dim=(1, 2)), (f[0].var(dim=(1, 2), unbiased=False) + 1e-8).sqrt()]


def distance(current, target, norm):
    """Sum over the parts of the mean squared error; relative: over the same sum of the target's mean squares."""
    error = sum(F.mse_loss(a, b) for a, b in zip(current, target))
    return error if norm == 'classic' else error / (sum(b.pow(2).mean() for b in target) + 1e-12)


def total_variation(x, norm):
    right, down = x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]
    return right.abs().mean() + down.abs().mean() if norm == 'l1' else right.pow(2).mean() + down.pow(2).mean()


# ---------------------------------------------------------------- section 1 and 2: networks and losses

def sample_positions(rng, shape):
    """Flat indices into [1,3,H,W]: all corners, some of each edge, the rest anywhere."""
    _, c, h, w = shape
    corners = [(k, y, x) for k in range(c) for y in (0, h - 1) for x in (0, w - 1)]
    edges = [(int(rng.integers(c)), *p) for p in
             [(0, 7), (0, w // 2), (h - 1, 5), (h - 1, w - 4), (9, 0), (h // 2, 0), (6, w - 1), (h - 5, w - 1)]]
    inside = [(int(rng.integers(c)), int(rng.integers(1, h - 1)), int(rng.integers(1, w - 1))) for _ in range(28)]
    return sorted({(k * h + y) * w + x for k, y, x in corners + edges + inside})


def make_losses(rng):
    pictures = {'content': picture(rng, 37, 30), 'style': picture(rng, 26, 33), 'style2': picture(rng, 31, 21)}
    blend = 0.6 * pictures['content'][0] + 0.4 * picture(rng, 37, 30)[0]
    pictures['generated'] = exact(blend)
    images = {name: torch.tensor(values) for name, (values, _) in pictures.items()}
    positions = sample_positions(rng, images['generated'].shape)

    def measured(loss, full=False):
        """Value, gradient at the sampled positions and its norm; `full`: the whole gradient as well."""
        x = images['generated'].clone().requires_grad_()
        value = loss(x)
        (g,) = torch.autograd.grad(value, x)
        term = {'value': number(value), 'gradientNorm': number(g.norm()),
                'gradientSamples': [number(v) for v in g.flatten()[positions]]}
        return {**term, 'gradient': tensor(g)} if full else term

    settings = {
        'caffe': ('max', {'scale': 255, 'mean': [123.68, 116.779, 103.939], 'std': [1, 1, 1]}, 60.0),
        'torchvision': ('average', {'scale': 1, 'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225]}, 1.0),
    }
    networks = {}
    for name, (pooling, preprocessing, size) in settings.items():
        for attempt in range(200):
            weights, packed = make_weights(rng, size, pictures['generated'][0], preprocessing)
            network, margins = (weights, pooling, preprocessing), []
            taps = network_features(network, images['generated'], margins)
            alive = min(taps[layer].amax(dim=(0, 2, 3)).min().item() for layer in STYLE_LAYERS) > 0.02 * size
            if min(margins) > 2e-5 and alive:
                break
        else:
            sys.exit(f'{name}: every attempt has an activation at a kink or a dead channel.')
        print(f'{name}: attempt {attempt}, margin {min(margins):.1e}')
        targets = {key: network_features(network, image) for key, image in images.items()}

        def content(norm):
            return lambda x: distance([network_features(network, x)[CONTENT_LAYER]],
                                      [targets['content'][CONTENT_LAYER]], norm)

        def style(layer, statistics, norm, shares=(1.0, 0.0)):
            first, second = (statistics(targets[key][layer]) for key in ('style', 'style2'))
            wanted = [shares[0] * p + shares[1] * q for p, q in zip(first, second)]
            return lambda x: distance(statistics(network_features(network, x)[layer]), wanted, norm)

        def by_layer(statistics, norm, shares=(1.0, 0.0)):
            return {layer: measured(style(layer, statistics, norm, shares)) for layer in STYLE_LAYERS}

        def total(x):
            terms = [style(layer, gram_statistics, 'relative')(x) for layer in STYLE_LAYERS]
            return 0.15 * content('relative')(x) + sum(terms) / len(terms) + 0.5 * total_variation(x, 'squared')

        networks[name] = {
            'pooling': pooling,
            'preprocessing': preprocessing,
            'weights': packed,
            'features': {CONTENT_LAYER: tensor(targets['generated'][CONTENT_LAYER])},
            'gram': {layer: tensor(gram(targets['generated'][layer])) for layer in STYLE_LAYERS},
            'content': {norm: measured(content(norm)) for norm in ('classic', 'relative')},
            'styleGram': {norm: by_layer(gram_statistics, norm) for norm in ('classic', 'relative')},
            'styleMeanVariance': {norm: by_layer(mean_variance_statistics, norm) for norm in ('classic', 'relative')},
            'blendGram': by_layer(gram_statistics, 'relative', BLEND),
            'blendMeanVariance': by_layer(mean_variance_statistics, 'classic', BLEND),
            'total': measured(total, full=True),
        }
    return {
        'images': {name: packed for name, (_, packed) in pictures.items()},
        'samplePositions': positions,
        'blendWeights': list(BLEND),
        'totalWeights': {'content': 0.15, 'style': 1, 'tv': 0.5},
        'totalVariation': {norm: measured(lambda x, n=norm: total_variation(x, n)) for norm in ('l1', 'squared')},
        'networks': networks,
    }


# ---------------------------------------------------------------- section 3: single ops

def padded(x, p, mode='constant'):
    """`p` in the order of ONNX: top, left, bottom, right."""
    return F.pad(x, (p[1], p[3], p[0], p[2]), mode=mode)


def make_ops(rng):
    def normal(*shape):
        return rng.standard_normal(shape)

    def conv(a):
        return lambda x, w, b: F.conv2d(padded(x, a['pads']), w, b, stride=tuple(a['strides']))

    def conv_case(title, x, w, strides, pads):
        a = {'strides': strides, 'pads': pads}
        return title, 'Conv', a, {'x': normal(*x), 'w': normal(*w), 'b': normal(w[0])}, conv(a)

    cases = [
        conv_case('conv 3x3, stride 1, pad 1', (2, 3, 7, 5), (4, 3, 3, 3), [1, 1], [1, 1, 1, 1]),
        conv_case('conv 3x3, stride 2, pad 1', (2, 3, 7, 6), (4, 3, 3, 3), [2, 2], [1, 1, 1, 1]),
        conv_case('conv 3x2, stride 1, no pad', (2, 2, 5, 6), (3, 2, 3, 2), [1, 1], [0, 0, 0, 0]),
        conv_case('conv 5x3, stride 2x1, uneven pads', (2, 2, 8, 5), (3, 2, 5, 3), [2, 1], [2, 0, 1, 2]),
        conv_case('conv 1x1', (2, 3, 3, 5), (2, 3, 1, 1), [1, 1], [0, 0, 0, 0]),
        ('instance normalisation', 'InstanceNormalization', {'epsilon': 1e-5},
         {'x': normal(2, 3, 5, 4) * 2 + 1, 'scale': normal(3), 'bias': normal(3)},
         lambda x, scale, bias: F.instance_norm(x, weight=scale, bias=bias, eps=1e-5)),
        ('reflect pad', 'Pad', {'mode': 'reflect', 'before': [0, 0, 2, 1], 'after': [0, 0, 3, 2]},
         {'x': normal(2, 2, 5, 4)}, lambda x: padded(x, [2, 1, 3, 2], 'reflect')),
        ('average pool 2x2, odd size', 'AveragePool', {'kernel': [2, 2]}, {'x': normal(2, 2, 7, 5)},
         lambda x: F.avg_pool2d(x, 2)),
        ('max pool 2x2, odd size', 'MaxPool', {'kernel': [2, 2]}, {'x': normal(2, 2, 7, 5)},
         lambda x: F.max_pool2d(x, 2)),
        ('nearest upsample x2', 'Resize', {'scales': [2, 2]}, {'x': normal(2, 2, 3, 5)},
         lambda x: F.interpolate(x, scale_factor=2, mode='nearest')),
        ('matrix product', 'MatMul', {}, {'a': normal(2, 3, 5), 'b': normal(2, 5, 4)}, torch.matmul),
        ('tanh', 'Tanh', {}, {'x': normal(3, 5)}, torch.tanh),
        ('broadcasting product', 'Mul', {}, {'a': normal(2, 3, 4, 5), 'b': normal(1, 3, 1, 1)}, torch.mul),
        ('broadcasting quotient', 'Div', {}, {'a': normal(3, 1, 5), 'b': 2 + rng.uniform(-1, 1, (2, 3, 4, 1))},
         torch.div),
        ('mean over axes', 'ReduceMean', {'axes': [0, 2]}, {'x': normal(2, 3, 4, 5)},
         lambda x: x.mean(dim=(0, 2), keepdim=True)),
    ]
    result = []
    for title, op, attributes, inputs, function in cases:
        packed = {name: exact(values) for name, values in inputs.items()}
        leaves = [torch.tensor(values, requires_grad=True) for values, _ in packed.values()]
        output = function(*leaves)
        upstream, upstream_packed = exact(rng.standard_normal(output.shape))
        gradients = torch.autograd.grad(output, leaves, torch.tensor(upstream))
        result.append({'title': title, 'op': op, 'attributes': attributes,
                       'inputs': {name: p for name, (_, p) in packed.items()},
                       'output': tensor(output), 'upstream': upstream_packed,
                       'gradients': {name: tensor(g) for name, g in zip(packed, gradients)}})
    return result


# ---------------------------------------------------------------- section 4 and 5: optimisers

def quadratic(rng, size, condition):
    """A (symmetric, positive definite, exact) with eigenvalues from 1 to about `condition`."""
    q, _ = np.linalg.qr(rng.standard_normal((size, size)))
    a = q @ np.diag(np.geomspace(1, condition, size)) @ q.T
    return exact((a + a.T) / 2)


def make_adam(rng):
    """f(x) = x'Ax/2 - b'x from a start in [0,1]; its minimum has coordinates on both sides of that interval."""
    a, a_packed = quadratic(rng, 6, 12)
    b, b_packed = exact(a @ np.array([-0.6, 0.2, 1.5, 0.7, 1.2, 0.4]))
    start, start_packed = exact(rng.uniform(0.1, 0.9, 6))
    options = {'lr': 0.05, 'betas': [0.9, 0.99], 'eps': 1e-8}
    runs, paths = [], []
    for amsgrad in (False, True):
        for clamp in (False, True):
            x = torch.tensor(start, requires_grad=True)
            optimizer = torch.optim.Adam([x], lr=0.05, betas=(0.9, 0.99), eps=1e-8, amsgrad=amsgrad)
            path = []
            for _ in range(25):
                x.grad = torch.tensor(a) @ x.detach() - torch.tensor(b)
                optimizer.step()
                if clamp:
                    with torch.no_grad():
                        x.clamp_(0, 1)
                path.append(x.detach().clone())
            paths.append(torch.stack(path))
            runs.append({'amsgrad': amsgrad, 'clamp': clamp, 'trajectory': tensor(paths[-1])})
    for i, p in enumerate(paths):
        assert all((p - q).abs().max() > 1e-3 for q in paths[:i]), 'two variants took the same path'
    return {'a': a_packed, 'b': b_packed, 'start': start_packed, **options, 'runs': runs}


def bfgs_direction(pairs, gradient):
    """-H g with the dense BFGS matrix of the pairs (s, y), oldest first, from H0 = (s'y / y'y) I of the newest pair."""
    size = len(gradient)
    h = np.eye(size)
    if pairs:
        s, y = pairs[-1]
        h *= (s @ y) / (y @ y)
    for s, y in pairs:
        v = np.eye(size) - np.outer(y, s) / (y @ s)
        h = v.T @ h @ v + np.outer(s, s) / (y @ s)
    return -h @ gradient


def make_lbfgs(rng):
    tight = {'ftol': 1e-15, 'gtol': 1e-10, 'maxiter': 1000}

    def minimum(result):
        return {'x': tensor(result.x), 'f': float(result.fun), 'iterations': int(result.nit),
                'evaluations': int(result.nfev)}

    rosenbrock = []
    for start in ([-1.2, 1.0], [0.4, 1.3, 0.2, 0.8, 1.5, 0.6]):
        result = scipy.optimize.minimize(scipy.optimize.rosen, start, jac=scipy.optimize.rosen_der, method='L-BFGS-B',
                                         options=tight)
        assert result.fun < 1e-15, 'not the global minimum'
        rosenbrock.append({'start': start, **minimum(result)})

    a, a_packed = quadratic(rng, 8, 30)
    b, b_packed = exact(a @ np.array([-0.8, 0.3, 1.6, 0.6, 1.1, 0.5, -0.2, 0.9]))
    start, start_packed = exact(np.full(8, 0.5))
    result = scipy.optimize.minimize(lambda x: x @ a @ x / 2 - b @ x, start, jac=lambda x: a @ x - b, method='L-BFGS-B',
                                     bounds=[(0, 1)] * 8, options=tight)
    active = (result.x < 1e-9) | (result.x > 1 - 1e-9)
    solution = np.rint(result.x) * active
    free = ~active
    solution[free] = np.linalg.solve(a[np.ix_(free, free)], b[free] - a[np.ix_(free, active)] @ solution[active])
    assert np.abs(solution - result.x).max() < 1e-7 and 2 <= active.sum() <= 6
    gradient = a @ solution - b
    assert (gradient[solution == 0] > 1e-2).all() and (gradient[solution == 1] < -1e-2).all(), 'not the minimum'
    result.x, result.fun = solution, solution @ a @ solution / 2 - b @ solution
    bounded = {'a': a_packed, 'b': b_packed, 'start': start_packed, 'lower': 0, 'upper': 1,
               'active': np.flatnonzero(active).tolist(), **minimum(result)}

    return {'rosenbrock': rosenbrock, 'bounded': bounded, 'torch': torch_lbfgs(rng), 'directions': make_directions(rng)}


def torch_lbfgs(rng):
    """torch.optim.LBFGS without a line search, one iteration per step. The first step is t = min(1, 1 / |g|_1) * lr
    along -g; every later one is t = lr along -H g."""
    a, a_packed = quadratic(rng, 6, 10)
    b, b_packed = exact(a @ rng.uniform(-1, 1, 6))
    start, start_packed = exact(rng.uniform(-2, 2, 6))
    x = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], lr=1, history_size=5, max_iter=1, tolerance_grad=0, tolerance_change=0,
                                  line_search_fn=None)

    def closure():
        x.grad = torch.tensor(a) @ x.detach() - torch.tensor(b)
        return 0.5 * x.detach() @ torch.tensor(a) @ x.detach() - torch.tensor(b) @ x.detach()

    iterations, pairs, before = [], [], None
    for _ in range(8):
        here = x.detach().numpy().copy()
        gradient = a @ here - b
        if before is not None:
            pairs = (pairs + [(here - before[0], gradient - before[1])])[-5:]
        before = (here, gradient)
        direction = bfgs_direction(pairs, gradient)
        value = float(optimizer.step(closure))
        state = optimizer.state[x]
        assert np.allclose(state['d'].numpy(), direction, rtol=1e-7, atol=1e-11), 'dense BFGS and torch differ'
        iterations.append({'x': tensor(here), 'f': number(value), 'gradient': tensor(gradient),
                           'direction': tensor(direction), 'step': number(state['t'])})
    return {'a': a_packed, 'b': b_packed, 'start': start_packed, 'historySize': 5, 'lr': 1, 'iterations': iterations,
            'last': tensor(x)}


def make_directions(rng):
    """Pairs (s, y) and a gradient that belong to no path; y = As + noise keeps the curvature positive."""
    cases = []
    for count, size in ((1, 4), (3, 7), (5, 12)):
        a, _ = quadratic(rng, size, 20)
        s, s_packed = exact(rng.standard_normal((count, size)))
        y, y_packed = exact(s @ a + 0.1 * rng.standard_normal((count, size)))
        gradient, gradient_packed = exact(rng.standard_normal(size))
        assert all(si @ yi > 0.1 for si, yi in zip(s, y))
        cases.append({'s': s_packed, 'y': y_packed, 'gradient': gradient_packed,
                      'direction': tensor(bfgs_direction(list(zip(s, y)), gradient))})
    return cases


def main():
    made_with = {'python': sys.version.split()[0], 'torch': torch.__version__, 'numpy': np.__version__,
                 'scipy': scipy.__version__, 'dtype': 'float64'}
    sections = {'madeWith': made_with, 'losses': make_losses(np.random.default_rng(1905)),
                'ops': make_ops(np.random.default_rng(1906)), 'adam': make_adam(np.random.default_rng(1907)),
                'lbfgs': make_lbfgs(np.random.default_rng(1908))}
    lines = (f'"{key}":{json.dumps(value, separators=(",", ":"), allow_nan=False)}' for key, value in sections.items())
    path = Path(__file__).with_name('torch.json')
    path.write_text('{\n' + ',\n'.join(lines) + '\n}\n')
    print(f'{path.name}: {path.stat().st_size / 1000:.0f} kB')


main()
