import { fingerprint, sha256Hex, sha256OfFloats } from '../../formats/sha256.js';
import { encodeStyle } from '../../styles/style-file.js';
import type { TrainRun } from './train.js';

/** What a run is made from, beside its options, as one checksum: loss network, styles, names of the photos, network to start from. */
export async function fingerprintOf({ weights, styles, photos, from }: TrainRun): Promise<string> {
  const parts = [weights.sha256];
  const addFloats = async (data: Float32Array) => {
    parts.push(await sha256OfFloats(data));
  };
  for (const { name, weight, style } of styles) {
    parts.push(JSON.stringify([name, weight]));
    if ('image' in style) {
      parts.push(`${style.image.width}x${style.image.height}`);
      await addFloats(style.image.data);
    } else parts.push(await sha256Hex(encodeStyle(style.style)));
  }
  parts.push(JSON.stringify(photos.map(({ name }) => name)));
  for (const [name, { data }] of from?.weights ?? []) {
    parts.push(name);
    await addFloats(data);
  }
  return fingerprint(parts, '\n');
}
