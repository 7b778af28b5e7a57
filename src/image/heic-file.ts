import type { Libheif } from 'libheif-js/libheif-wasm/libheif-bundle.mjs';
import { FauveError, messageOf } from '../errors.js';
import { latin1, viewOf } from './bytes.js';
import { checkPixels, type ImageSource } from './file.js';
import { type Levels, plainPng } from './png-file.js';

/** Brands of HEIF files whose picture is HEVC, which is what phones write; AVIF has the same container. */
const HEVC_BRANDS = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'];
const ANY_BRANDS = ['mif1', 'msf1', 'mif2'];

/** What libheif calls them: heif_colorspace_RGB, heif_chroma_interleaved_RGB and the same with alpha, heif_channel_interleaved. */
const [RGB, INTERLEAVED_RGB, INTERLEAVED_RGBA, INTERLEAVED] = [1, 10, 11, 10];

/** Whether this is HEIC or another picture in HEIF than AVIF, by the brands in its first box (ISO/IEC 14496-12, 4.3). */
export function isHeic(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 16 || latin1(bytes, 4, 8) !== 'ftyp') return false;
  const end = Math.min(bytes.byteLength, viewOf(bytes).getUint32(0), 256);
  const brands: string[] = [];
  // The version stands between the main brand and those that are compatible with it.
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) brands.push(latin1(bytes, at, at + 4));
  const some = (names: readonly string[]) => brands.some((brand) => names.includes(brand));
  return !/^avi[fs]$/.test(brands[0] ?? '') && (some(HEVC_BRANDS) || (some(ANY_BRANDS) && !some(['avif', 'avis'])));
}

/**
 * The picture of a HEIC as a PNG without compression, with its colour profile, upright: libheif turns it, and what its EXIF says of that
 * does not count. More than 8 bits become 8.
 * @throws FauveError `input` when it is damaged or holds another codec, has too many pixels, or libheif is not installed
 */
export async function heicToPng(
  bytes: Uint8Array,
  source: ImageSource,
  mostPixels?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const fail = (problem: string, cause?: unknown) =>
    new FauveError('input', `${source.what} ${source.fileName} ${problem}`, { cause });
  // Two megabytes that few need.
  const { default: start } = await import('libheif-js/libheif-wasm/libheif-bundle.mjs').catch((error) => {
    throw fail('is HEIC, and libheif-js, which reads it, cannot be loaded. Save it as JPEG or PNG first.', error);
  });
  try {
    // Its memory never shrinks, so each picture gets its own and none is freed by hand.
    const { levels, profile } = decode(start({ print() {}, printErr() {} }), bytes, (size) =>
      checkPixels(size, source, mostPixels),
    );
    return plainPng(levels, profile);
  } catch (error) {
    if (error instanceof FauveError) throw error;
    const size = `${bytes.byteLength} bytes; ${messageOf(error)}`;
    throw fail(
      `is HEIC that cannot be decoded: it is truncated, damaged or of a rare kind (${size}). Copy it again, or save it as JPEG or PNG.`,
      error,
    );
  }
}

/** @param check sees the size before anything is decoded */
function decode(
  heif: Libheif,
  bytes: Uint8Array,
  check: (size: { readonly width: number; readonly height: number }) => void,
): { levels: Levels; profile: Uint8Array | undefined } {
  const allocate = (size: number) => {
    const at = heif._malloc(size);
    if (at === 0) throw new Error('the memory does not suffice');
    return at;
  };
  // The views of the memory change when it grows.
  const word = (at: number) => heif.HEAP32[at >> 2]!;
  const [error, out] = [allocate(12), allocate(4)];
  const succeeded = () => {
    if (word(error) === 0) return;
    const text = word(error + 8);
    throw new Error(latin1(heif.HEAPU8, text, heif.HEAPU8.indexOf(0, text)).trim());
  };
  const file = allocate(bytes.byteLength);
  heif.HEAPU8.set(bytes, file);
  const context = heif._heif_context_alloc();
  heif._heif_context_read_from_memory_without_copy(error, context, file, bytes.byteLength, 0);
  succeeded();
  heif._heif_context_get_primary_image_handle(error, context, out);
  succeeded();
  const handle = word(out);
  const [width, height] = [heif._heif_image_handle_get_width(handle), heif._heif_image_handle_get_height(handle)];
  check({ width, height });
  const channels = heif._heif_image_handle_has_alpha_channel(handle) ? 4 : 3;
  heif._heif_decode_image(error, handle, out, RGB, channels === 4 ? INTERLEAVED_RGBA : INTERLEAVED_RGB, 0);
  succeeded();
  const image = word(out);
  const decoded = [heif._heif_image_get_width(image, INTERLEAVED), heif._heif_image_get_height(image, INTERLEAVED)];
  if (decoded[0] !== width || decoded[1] !== height) throw new Error(`it says ${width}×${height} and is another size`);
  const profileSize = heif._heif_image_handle_get_raw_color_profile_size(handle);
  const profile = profileSize > 0 ? allocate(profileSize) : undefined;
  if (profile !== undefined) {
    heif._heif_image_handle_get_raw_color_profile(error, handle, profile);
    succeeded();
  }
  const plane = heif._heif_image_get_plane_readonly(image, INTERLEAVED, out);
  const stride = word(out);
  return {
    levels: { width, height, channels, stride, data: heif.HEAPU8.subarray(plane, plane + stride * height) },
    profile: profile === undefined ? undefined : heif.HEAPU8.slice(profile, profile + profileSize),
  };
}
