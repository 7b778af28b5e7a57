/** Σ a·b. Four sums at once: one alone would wait for each addition before it starts the next. */
export function dot(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const end = a.length - (a.length % 4);
  for (let i = 0; i < end; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = end; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + s2 + s3;
}

/** x ← x + factor·y, and then the dot product z·x: one pass over memory, which is what limits both. */
export function addScaledThenDot(x: Float32Array, factor: number, y: Float32Array, z: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const end = x.length - (x.length % 4);
  for (let i = 0; i < end; i += 4) {
    const x0 = x[i]! + factor * y[i]!;
    const x1 = x[i + 1]! + factor * y[i + 1]!;
    const x2 = x[i + 2]! + factor * y[i + 2]!;
    const x3 = x[i + 3]! + factor * y[i + 3]!;
    x[i] = x0;
    x[i + 1] = x1;
    x[i + 2] = x2;
    x[i + 3] = x3;
    s0 += z[i]! * x0;
    s1 += z[i + 1]! * x1;
    s2 += z[i + 2]! * x2;
    s3 += z[i + 3]! * x3;
  }
  for (let i = end; i < x.length; i++) {
    x[i]! += factor * y[i]!;
    s0 += z[i]! * x[i]!;
  }
  return s0 + s1 + s2 + s3;
}

/** Largest absolute value. */
export function largest(x: Float32Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]!));
  return most;
}

/** Moves every value into [low, high], in place. */
export function project(x: Float32Array, [low, high]: readonly [number, number]): void {
  for (let i = 0; i < x.length; i++) x[i] = Math.min(high, Math.max(low, x[i]!));
}

/** Vectors one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
