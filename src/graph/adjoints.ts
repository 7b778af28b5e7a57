import { add, concat, conv, gemm, pad, reduceSum, reshape, slice, transpose } from './ops.js';
import type { PadMode, Shape, Tensor } from './tensor.js';

/** The longer derivatives: what convolutions, slices and pads do to their input, backwards. */

const rotatedKernels = new WeakMap<Tensor, WeakRef<Tensor>>();

/** The kernel turned by 180° with input and output channels swapped; of a constant, a constant (it is large: one for all graphs that are being made). */
function rotateKernel(w: Tensor): Tensor {
  const known = rotatedKernels.get(w)?.deref();
  if (known) return known;
  const [out, inner, kh, kw] = w.shape as [number, number, number, number];
  const turned = slice(w, [0, 0, kh - 1, kw - 1], [out, inner, kh, kw], [1, 1, -1, -1]);
  const rotated = transpose(turned, [1, 0, 2, 3]);
  // Weakly: once the engine has it, nobody needs it until the next size.
  rotatedKernels.set(w, new WeakRef(rotated));
  return rotated;
}

/** A convolution of dy (spread out by the stride) with the rotated kernel. Dumoulin & Visin 2016, §4. */
export function convInputGradient(y: Tensor<'Conv'>, dy: Tensor, x: Tensor, w: Tensor): Tensor {
  const { strides, pads } = y.attributes;
  const [height, width] = x.shape.slice(2) as [number, number];
  const [kh, kw] = w.shape.slice(2) as [number, number];
  const spread = insertZeros(dy, [1, 1, ...strides]);
  const [rows, cols] = spread.shape.slice(2) as [number, number];
  const top = kh - 1 - pads[0];
  const left = kw - 1 - pads[1];
  const around = [top, left, height + kh - 1 - rows - top, width + kw - 1 - cols - left] as const;
  // A convolution's own pads cannot be negative: a kernel smaller than its padding leaves rows of dy that no x saw.
  if (around.every((p) => p >= 0)) return conv(spread, rotateKernel(w), undefined, { pads: around });
  const add = around.map((p) => Math.max(p, 0));
  const cut = around.map((p) => Math.max(-p, 0));
  const seen = slice(
    spread,
    [0, 0, cut[0]!, cut[1]!],
    [...spread.shape.slice(0, 2), rows - cut[0]! - cut[2]!, cols - cut[1]! - cut[3]!],
  );
  return conv(seen, rotateKernel(w), undefined, { pads: [add[0]!, add[1]!, add[2]!, add[3]!] });
}

/** For each kernel position, the product of dy with the part of x that this position saw: kh·kw slices and Gemms. */
export function convWeightGradient(y: Tensor<'Conv'>, dy: Tensor, x: Tensor, w: Tensor): Tensor {
  const { strides, pads } = y.attributes;
  const [out, inner, kh, kw] = w.shape as [number, number, number, number];
  const [n, , rows, cols] = y.shape as [number, number, number, number];
  const positions = n * rows * cols;
  const padded = transpose(pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]]), [1, 0, 2, 3]);
  const flatDy = reshape(transpose(dy, [1, 0, 2, 3]), [out, positions]);
  const parts: Tensor[] = [];
  for (let u = 0; u < kh; u++)
    for (let v = 0; v < kw; v++) {
      const seen = slice(padded, [0, 0, u, v], [inner, n, rows, cols], [1, 1, ...strides]);
      const product = gemm(flatDy, reshape(seen, [inner, positions]), { transB: true });
      parts.push(reshape(product, [1, out, inner]));
    }
  return reshape(transpose(concat(parts, 0), [1, 2, 0]), [out, inner, kh, kw]);
}

/** Zeros below and to the right, up to the height and width of `target`. */
export function padTo(x: Tensor, target: Tensor): Tensor {
  return pad(
    x,
    [0, 0, 0, 0],
    target.shape.map((dim, axis) => dim - x.shape[axis]!),
  );
}

/** Zeros between the elements: a step of s puts s − 1 of them after each element but the last. */
function insertZeros(x: Tensor, steps: Shape): Tensor {
  let result = x;
  steps.forEach((step, axis) => {
    if (step === 1) return;
    const { shape } = result;
    const columns = reshape(result, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
    const zeros = columns.shape.map((_, i) => (i === axis + 1 ? step - 1 : 0));
    const spread = pad(
      columns,
      zeros.map(() => 0),
      zeros,
    );
    const joined = reshape(spread, shape.with(axis, shape[axis]! * step));
    const length = (shape[axis]! - 1) * step + 1;
    result = slice(
      joined,
      shape.map(() => 0),
      shape.with(axis, length),
    );
  });
  return result;
}

/** The adjoint of a slice: the elements go back to where they came from, zeros elsewhere. */
export function unslice(dy: Tensor, shape: Shape, starts: Shape, steps: Shape): Tensor {
  const backwards = steps.map((step) => step < 0);
  const forward = backwards.includes(true)
    ? slice(
        dy,
        dy.shape.map((dim, axis) => (backwards[axis] ? dim - 1 : 0)),
        dy.shape,
        backwards.map((reverse) => (reverse ? -1 : 1)),
      )
    : dy;
  const spread = insertZeros(forward, steps.map(Math.abs));
  const before = starts.map((start, axis) => (backwards[axis] ? start + (dy.shape[axis]! - 1) * steps[axis]! : start));
  return pad(
    spread,
    before,
    shape.map((dim, axis) => dim - before[axis]! - spread.shape[axis]!),
  );
}

/** The adjoint of padding, axis by axis: what went into the border comes back to where it was copied from. */
export function unpad(dy: Tensor, shape: Shape, before: Shape, after: Shape, mode: PadMode): Tensor {
  let result = dy;
  shape.forEach((dim, axis) => {
    const [front, back] = [before[axis]!, after[axis]!];
    if (front === 0 && back === 0) return;
    const part = (start: number, length: number, step = 1) =>
      slice(
        result,
        result.shape.map((_, i) => (i === axis ? start : 0)),
        result.shape.with(axis, length),
        result.shape.map((_, i) => (i === axis ? step : 1)),
      );
    const place = (piece: Tensor, start: number) => {
      const length = piece.shape[axis]!;
      const zeros = (count: number) => piece.shape.map((_, i) => (i === axis ? count : 0));
      return pad(piece, zeros(start), zeros(dim - start - length));
    };
    const end = front + dim;
    let inner = part(front, dim);
    if (mode === 'reflect') {
      if (front > 0) inner = add(inner, place(part(front - 1, front, -1), 1));
      if (back > 0) inner = add(inner, place(part(end + back - 1, back, -1), dim - 1 - back));
    } else if (mode === 'edge') {
      if (front > 0) inner = add(inner, place(reduceSum(part(0, front), [axis]), 0));
      if (back > 0) inner = add(inner, place(reduceSum(part(end, back), [axis]), dim - 1));
    }
    result = inner;
  });
  return result;
}
