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

/** x ← x + factor·v. */
export function addScaled(x: Float32Array, factor: number, v: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += factor * v[i]!;
}

/** x ← factor·x. */
export function scale(x: Float32Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i]! *= factor;
}

/** −x. */
export function negated(x: Float32Array): Float32Array {
  const result = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) result[i] = -x[i]!;
  return result;
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
