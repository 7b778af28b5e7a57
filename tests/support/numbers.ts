type Values = ArrayLike<number>;

/** Σ a·b in float64. */
export function innerProduct(a: Values, b: Values): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** L2 distance of two vectors over the L2 norm of the expected one; the distance itself when nothing is expected. */
export function relativeError(received: Values, expected: Values): number {
  if (received.length !== expected.length) return Number.POSITIVE_INFINITY;
  const difference = Array.from(expected, (value, i) => received[i]! - value);
  return Math.sqrt(innerProduct(difference, difference)) / (Math.sqrt(innerProduct(expected, expected)) || 1);
}

/** |received − expected| / |expected| of two numbers; the difference itself when 0 is expected. */
export function relativeDifference(received: number, expected: number): number {
  return Math.abs(received - expected) / (Math.abs(expected) || 1);
}

/** The slope of f at x along a direction, by the central difference (f(x + h·d) − f(x − h·d)) / 2h in float64. */
export function centralDifference(f: (x: Float64Array) => number, x: Values, direction: Values, h: number): number {
  const at = (step: number) => f(Float64Array.from(x as ArrayLike<number>, (value, i) => value + step * direction[i]!));
  return (at(h) - at(-h)) / (2 * h);
}
