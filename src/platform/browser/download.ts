import { FauveError, messageOf } from '../../errors.js';
import { sha256Hex } from '../../formats/sha256.js';

/** How far a download is, in bytes of the file. */
export interface LoadProgress {
  readonly loaded: number;
  readonly total: number;
}

/** What every download takes. */
export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called as bytes arrive, and at the end with `loaded` equal to `total`. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** What a file should be. */
export interface Expected {
  readonly bytes: number;
  /** SHA-256 (hex). */
  readonly sha256: string;
}

/**
 * Loads a file over HTTP(S).
 * @param what names it in errors: `The network distilled`
 * @param size bytes that it has, unless the server says it better
 * @throws FauveError `system` when it does not arrive, `aborted`
 */
export async function download(
  url: URL,
  what: string,
  size: number,
  { signal, onProgress }: LoadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok || !response.body) {
      throw new FauveError(
        { kind: 'download', what },
        `${what} could not be loaded: ${url.href} answered ${response.status}. Reload the page; if that does not help, its files are not complete.`,
      );
    }
    const total = contentLength(response) ?? size;
    let bytes = new Uint8Array(total);
    let loaded = 0;
    const reader = response.body.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const end = loaded + chunk.value.byteLength;
      // The size was a guess, or that of another version.
      if (end > bytes.byteLength) {
        const larger = new Uint8Array(Math.max(end, 2 * bytes.byteLength));
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(chunk.value, loaded);
      loaded = end;
      onProgress?.({ loaded: Math.min(loaded, total), total });
    }
    return loaded === bytes.byteLength ? bytes : bytes.slice(0, loaded);
  } catch (error) {
    if (error instanceof FauveError) throw error;
    if (signal?.aborted) throw new FauveError('aborted', `${what}: the download was stopped.`, { cause: error });
    throw new FauveError(
      { kind: 'download', what },
      `${what} could not be loaded from ${url.href} (${messageOf(error)}). Check the connection and try again.`,
      { cause: error },
    );
  }
}

/**
 * Loads a file and compares its size and checksum.
 * @throws FauveError `system` when it does not arrive or is another file, `aborted`
 */
export async function downloadChecked(
  url: URL,
  what: string,
  { bytes: size, sha256 }: Expected,
  options: LoadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await download(url, what, size, options);
  const received = bytes.byteLength === size ? await sha256Hex(bytes) : `of ${bytes.byteLength} bytes`;
  if (received !== sha256) {
    throw new FauveError(
      { kind: 'download', what },
      `${what} is not the file that was shipped: ${url.href} has SHA-256 ${received}, expected ${sha256} of ${size} bytes. Reload the page without the cache.`,
    );
  }
  return bytes;
}

/** A JSON file. @throws FauveError as {@link download} */
export async function downloadJson(url: URL, what: string, options: LoadOptions = {}): Promise<unknown> {
  const bytes = await download(url, what, 1024, { signal: options.signal });
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new FauveError(
      { kind: 'download', what },
      `${what} is not JSON: ${url.href}. The files of this page are not complete; reload it without the cache.`,
      { cause: error },
    );
  }
}

/** The size that the server states; of a compressed answer it is not that of the file. */
function contentLength({ headers }: Response): number | undefined {
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return undefined;
  const length = Number(headers.get('content-length'));
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}
