/** From black through violet and orange to yellow: brighter in even steps, so that it reads without its colours, too. */
const stops = [
  [9, 7, 24],
  [58, 19, 92],
  [140, 41, 99],
  [216, 76, 62],
  [249, 142, 33],
  [250, 233, 140],
] as const;

/** The colour of a value from 0 to 1, RGBA. */
export function heat(value: number): readonly [number, number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(at));
  const share = at - index;
  const [from, to] = [stops[index]!, stops[index + 1]!];
  return [mix(from[0], to[0], share), mix(from[1], to[1], share), mix(from[2], to[2], share), 255];
}

const mix = (from: number, to: number, share: number) => from + share * (to - from);
