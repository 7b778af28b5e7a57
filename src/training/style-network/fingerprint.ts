import { fingerprint, sha256Hex, sha256OfFloats } from '../../formats/sha256.js';
import type { NetworkWeights } from '../../networks/network.js';
import type { StyleNetworkModel } from '../../style-network/file.js';
import { encodeStyle } from '../../styles/style-file.js';
import type { PictureSource } from '../crops.js';
import type { PlannedStyle } from './plan.js';

/** What a run is made from. */
interface Ingredients {
  readonly weights: NetworkWeights;
  readonly styles: readonly PlannedStyle[];
  readonly photos: readonly PictureSource[];
  readonly from: StyleNetworkModel | undefined;
}

/** What a run is made from, beside its options, as one checksum: loss network, styles, names of the photos, network to start from. */
export async function fingerprintOf({ weights, styles, photos, from }: Ingredients): Promise<string> {
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
