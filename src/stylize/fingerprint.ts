import { fingerprint, sha256Hex, sha256OfFloats } from '../formats/sha256.js';
import type { Image } from '../image/image.js';
import type { LossNetwork } from '../networks/vgg.js';
import { encodeStyle } from '../styles/style-file.js';
import type { StylizeRequest } from './plan.js';
import type { WeightedStyle } from './targets.js';

/** What the run is made from, beside its options, as one checksum. */
export async function fingerprintOf(
  { content, init, fast, weights }: StylizeRequest,
  styles: readonly WeightedStyle[],
  polisher: LossNetwork | undefined,
): Promise<string> {
  const parts = [weights.sha256];
  if (polisher) parts.push(`polish:${polisher.sha256}`);
  const addImage = async ({ width, height, data, alpha }: Image, weight: number) => {
    for (const plane of alpha ? [data, alpha] : [data]) {
      parts.push(await sha256OfFloats(plane));
    }
    parts.push(`${width}x${height}:${weight}`);
  };
  await addImage(content, 1);
  for (const style of styles) {
    if ('image' in style) await addImage(style.image, style.weight);
    else parts.push(await sha256Hex(encodeStyle(style.style)), `style:${style.weight}`);
  }
  if (init) await addImage(init, 1);
  else if (fast) {
    const shares = fast.styles.map(({ name, weight = 1 }) => `${name}:${weight}`);
    parts.push(`fast:${await sha256Hex(fast.network.bytes)}`, ...shares);
  }
  return fingerprint(parts, ' ');
}
