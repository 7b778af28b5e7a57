import { open, rm } from 'node:fs/promises';
import { FauveError, messageOf } from '../../errors.js';
import { errorCode, fileError, fileSize } from './files.js';

/** Who may stop a download, and who is told how far it is. */
export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes so far, those of an earlier attempt included. */
  readonly onProgress?: (progress: { readonly received: number; readonly total: number }) => void;
}

/** The address of a file below a base URL. @throws FauveError `usage` when the base is not usable */
export function sourceUrl(base: string, path: string): string {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new FauveError(
      'request',
      `The base URL of the models (FAUVE_MODELS_URL) is not usable: expected http:// or https:// without a user name, received '${base.replace(/\/\/.*@/, '//…@')}'. Correct it, or unset it.`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/${path}`;
}

/**
 * Brings the whole file to `part`, from where an earlier attempt stopped. Its content is not checked here.
 * @param name the network, in errors
 * @param total bytes of the file
 * @throws FauveError `system` when the network or the disk fails, `input` when the server sends another file, `aborted`
 */
export async function download(
  name: string,
  url: string,
  part: string,
  total: number,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  let received = (await fileSize(part)) ?? 0;
  if (received > total) received = 0;
  const arrived = () => `${(received / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
  const failed = (reason: string, cause?: unknown): FauveError => {
    if (signal?.aborted) {
      const again = 'The next attempt resumes there';
      return new FauveError('aborted', `The download of ${name} was stopped at ${arrived()}. ${again}.`, { cause });
    }
    const resume = received > 0 ? ` at ${arrived()}; the next attempt resumes there` : '';
    const help = 'Check the connection';
    return new FauveError({ kind: 'download', what: name }, `Cannot download ${url}: ${reason}${resume}. ${help}.`, {
      cause,
    });
  };
  const wrongFile = (what: string): FauveError => {
    const help = 'Check FAUVE_MODELS_URL';
    return new FauveError(
      { kind: 'weights', network: name },
      `${url} is not the file that was expected: ${what}. ${help}.`,
    );
  };
  const request = async (): Promise<Response> => {
    // Compressed on the way, the sizes in the answer would not be the file's.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (received > 0) headers.range = `bytes=${received}-`;
    try {
      return await fetch(url, { headers, ...(signal ? { signal } : {}) });
    } catch (error) {
      throw failed(networkReason(error), error);
    }
  };

  if (signal?.aborted) throw failed('');
  if (received === total) return onProgress?.({ received, total });
  let response = await request();
  if (received > 0 && !continues(response, received, total) && (response.status === 206 || response.status === 416)) {
    await response.body?.cancel();
    received = 0;
    response = await request();
  }
  if (response.status === 200) received = 0;
  const body = response.body;
  try {
    if (!body || (response.status !== 200 && !continues(response, received, total))) {
      const resumable = response.status >= 500 ? ', try again later' : '';
      throw failed(`the server answers ${`${response.status} ${response.statusText}`.trim()}${resumable}`);
    }
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      throw wrongFile('expected weights, received a web page (the sign-in page of a network?)');
    }
    const length = response.headers.get('content-length');
    if (response.status === 200 && length !== null && Number(length) !== total) {
      throw wrongFile(`expected ${total} bytes, received ${length}`);
    }
  } catch (error) {
    await body?.cancel().catch(() => undefined);
    throw error;
  }
  onProgress?.({ received, total });

  const handle = await open(part, received > 0 ? 'r+' : 'w').catch(async (error) => {
    await body.cancel().catch(() => undefined);
    throw fileError(error, 'write', part);
  });
  const reader = body.getReader();
  try {
    for (;;) {
      const chunk = await reader.read().catch((error) => {
        throw failed(networkReason(error), error);
      });
      if (chunk.done) break;
      if (received + chunk.value.byteLength > total) {
        await rm(part, { force: true });
        throw wrongFile(`expected ${total} bytes, received more`);
      }
      // At its position, not at the end: two downloads at once then write the same bytes to the same place.
      for (let rest = chunk.value; rest.byteLength > 0; ) {
        const { bytesWritten } = await handle.write(rest, 0, rest.byteLength, received).catch((error) => {
          throw fileError(error, 'write', part);
        });
        rest = rest.subarray(bytesWritten);
        received += bytesWritten;
      }
      onProgress?.({ received, total });
    }
    if (received < total) throw failed('the connection ended early');
  } finally {
    await reader.cancel().catch(() => undefined);
    await handle.close();
  }
}

/** Whether the answer is the rest of the file, from the byte that was asked for. */
function continues(response: Response, start: number, total: number): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  return (
    response.status === 206 && Number(range?.[1]) === start && (range?.[2] === '*' || Number(range?.[2]) === total)
  );
}

const networkReasons: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'the server is not found (is this machine online?)'],
  [/^(ENETUNREACH|EHOSTUNREACH)$/, 'the server cannot be reached (is this machine online?)'],
  [/^ECONNREFUSED$/, 'the server refuses the connection'],
  [/^(ECONNRESET|UND_ERR_SOCKET)$/, 'the connection broke off'],
  [/TIMEDOUT$|TIMEOUT$/, 'the server does not answer in time'],
];

function networkReason(error: unknown): string {
  const code = errorCode(error) ?? '';
  // fetch itself says only that it failed.
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return networkReasons.find(([codes]) => codes.test(code))?.[1] ?? messageOf(cause);
}
