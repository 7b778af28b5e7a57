/** Points of a curve, at the most that the eye can tell apart. */
const POINTS = 300;

/** A curve of a long run: each point is the mean over so many steps that there are about 300 of them. */
export function averagedCurve<R extends { readonly step: number }>(
  history: readonly R[],
  of: (record: R) => number,
): { readonly step: number; readonly value: number }[] {
  const window = Math.max(1, Math.ceil(history.length / POINTS));
  const points: { step: number; value: number }[] = [];
  for (let i = 0; i + window <= history.length; i += window) {
    const part = history.slice(i, i + window);
    points.push({ step: part.at(-1)!.step, value: part.reduce((sum, record) => sum + of(record), 0) / window });
  }
  return points;
}
