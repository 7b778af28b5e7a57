/** A sentence, after another, with the known name that is nearest; nothing where none is alike. */
export function perhaps(name: string, known: readonly string[]): string {
  const [nearest] = alike(name, known);
  return nearest === undefined ? '' : ` Perhaps you mean ${nearest}.`;
}

/** Names for which another may be a slip, the nearest first, four at most: a few letters differ, or one is a part of the other. */
export function alike(name: string, known: readonly string[]): string[] {
  const a = letters(name);
  const isPart = (b: string) => Math.min(a.length, b.length) >= 3 && (b.includes(a) || a.includes(b));
  return known
    .map((each) => ({ each, distance: editDistance(a, letters(each)) }))
    .filter(({ each }) => isPart(letters(each)) || isSlip(name, each))
    .sort((x, y) => x.distance - y.distance)
    .map(({ each }) => each)
    .slice(0, 4);
}

/** Whether a few letters differ. */
export function isSlip(name: string, known: string): boolean {
  const b = letters(known);
  return editDistance(letters(name), b) <= Math.max(1, Math.floor(b.length / 4));
}

/** A name may be anything: no more of it is compared. */
const letters = (name: string) =>
  name
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** Letters that are to be put in, left out, replaced or swapped with the next one (Damerau 1964). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
