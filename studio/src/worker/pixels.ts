import { createImage, type Image } from 'fauve';
import type { Mix } from './api.js';

/** A picture as bytes RGBA, not premultiplied: what canvases and the results of a session are kept as. */
export type Pixels = ImageData;

/** 8 bits a channel. */
export function pixelsOf({ width, height, data, alpha }: Image): Pixels {
  const size = width * height;
  const bytes = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    bytes[4 * i] = 255 * data[i]!;
    bytes[4 * i + 1] = 255 * data[size + i]!;
    bytes[4 * i + 2] = 255 * data[2 * size + i]!;
    bytes[4 * i + 3] = alpha ? 255 * alpha[i]! : 255;
  }
  return new ImageData(bytes, width, height);
}

/** RGB planes in [0,1], and alpha where it is not full everywhere. */
export function imageOf({ width, height, data }: Pixels): Image {
  const size = width * height;
  const planes = new Float32Array(3 * size);
  const alpha = new Float32Array(size);
  let opaque = true;
  for (let i = 0; i < size; i++) {
    planes[i] = data[4 * i]! / 255;
    planes[size + i] = data[4 * i + 1]! / 255;
    planes[2 * size + i] = data[4 * i + 2]! / 255;
    alpha[i] = data[4 * i + 3]! / 255;
    if (data[4 * i + 3] !== 255) opaque = false;
  }
  return createImage(width, height, planes, opaque ? undefined : alpha);
}

/** BT.601, as everywhere in Fauve. */
const luma = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b;

/**
 * A photo on its way to a result: brightness and colour go their own shares of the way. With both at 1, `strength` is the library's;
 * with colour at 0 it is its `luminance`. Where a colour leaves the range its chroma shrinks, and brightness and hue stay.
 */
export function mixed(photo: Pixels, result: Pixels, { strength, luminance, colour }: Mix): Pixels {
  if (strength === 1 && luminance === 1 && colour === 1) return result;
  const [a, b] = [photo.data, result.data];
  const out = new Uint8ClampedArray(b.length);
  const light = strength * luminance;
  const tint = strength * colour;
  for (let i = 0; i < out.length; i += 4) {
    const from = luma(a[i]!, a[i + 1]!, a[i + 2]!);
    const to = luma(b[i]!, b[i + 1]!, b[i + 2]!);
    const y = from + light * (to - from);
    let share = 1;
    for (let c = i; c < i + 3; c++) {
      const chroma = a[c]! - from + tint * (b[c]! - to - (a[c]! - from));
      out[c] = y + chroma;
      if (y + chroma > 255) share = Math.min(share, (255 - y) / chroma);
      else if (y + chroma < 0) share = Math.min(share, -y / chroma);
    }
    if (share < 1) {
      for (let c = i; c < i + 3; c++) {
        const chroma = a[c]! - from + tint * (b[c]! - to - (a[c]! - from));
        out[c] = y + share * chroma;
      }
    }
    out[i + 3] = b[i + 3]!;
  }
  return new ImageData(out, result.width, result.height);
}

/** The longest side of what is shown: more would only take memory. */
const MOST_SHOWN = 2048;

/** A bitmap to show. */
export async function bitmapOf(pixels: Pixels, longest = MOST_SHOWN): Promise<ImageBitmap> {
  const { width, height } = pixels;
  const scale = longest / Math.max(width, height);
  if (scale >= 1) return createImageBitmap(pixels);
  return createImageBitmap(pixels, {
    resizeWidth: Math.max(1, Math.round(scale * width)),
    resizeHeight: Math.max(1, Math.round(scale * height)),
    resizeQuality: 'high',
  });
}
