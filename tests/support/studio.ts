import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JobEvent, type Studio, type StudioOptions, startStudio } from '#server/server.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { picture } from './cli.js';
import { tinyFile } from './tiny-style-network.js';

/** A page that is built enough to be served. */
export async function builtPage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fauve-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Fauve</title>');
  await writeFile(join(folder, 'assets/main.js'), 'export {};');
  await writeFile(join(folder, '.secret'), 'mine');
  return folder;
}

/** A server to ask. */
export interface OpenStudio extends Studio {
  /** A request to an address that is relative to the page. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a job. */
  send(job: unknown, files?: Partial<JobFiles>): Promise<Response>;
  /** Sends a job that has to be accepted. @returns its id */
  start(job: unknown, files?: Partial<JobFiles>): Promise<string>;
  events(id: string): AsyncGenerator<JobEvent>;
  /** What was logged: what nobody expected. */
  readonly logged: readonly unknown[];
}

export interface JobFiles {
  readonly photo: Uint8Array;
  readonly styles: readonly Uint8Array[];
}

/** A server on a free port, with one thread and a tiny network for `instant`. */
export async function openStudio(page: string, options: StudioOptions = {}): Promise<OpenStudio> {
  const photo = await encodeImage(picture(64, 48, 1), 'png');
  const logged: unknown[] = [];
  const studio = await startStudio({
    engine: { device: 'cpu', threads: 1 },
    folders: { page },
    loadNetwork: async () => ({ fileName: 'tiny.onnx', bytes: tinyFile(3) }),
    log: (error) => logged.push(error),
    ...options,
  });
  const ask = (path: string, init?: RequestInit) => fetch(new URL(path, studio.url), init);
  const send = (job: unknown, files: Partial<JobFiles> = {}) => {
    const form = new FormData();
    const { photo: own = photo, styles = [] } = files;
    for (const bytes of [own, ...styles]) form.append('file', blob(bytes), 'file');
    form.append('job', typeof job === 'string' ? job : JSON.stringify(specOf(job, own, styles)));
    return ask('api/jobs', { method: 'POST', body: form });
  };
  return {
    ...studio,
    logged,
    ask,
    send,
    async start(job, files) {
      const response = await send(job, files);
      const { id, message } = (await response.json()) as { id: string; message?: string };
      if (response.status !== 202) throw new Error(`${response.status}: ${message}`);
      return id;
    },
    async *events(id) {
      const response = await ask(`api/jobs/${id}/events`);
      if (!response.ok || !response.body) throw new Error(`${response.status}: ${await response.text()}`);
      for await (const block of blocksOf(response.body)) {
        const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (type && data) yield { type, data: JSON.parse(data) } as JobEvent;
      }
    },
  };
}

/** The events and comments of a stream of server-sent events, as text. */
export async function* blocksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    yield* blocks;
  }
}

/** What came of bytes that were sent as they are. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Bytes that were sent before the connection ended. */
  readonly sent: number;
}

/** Sends what no client would: the bytes as they are, then `more`, until the server ends the connection. */
export function sendRaw(port: number, head: string, more?: Iterator<Uint8Array>): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let sent = 0;
    const write = () => {
      for (let ok = true; ok && socket.writable; ) {
        const next = more?.next();
        if (!next || next.done) return;
        sent += next.value.byteLength;
        ok = socket.write(next.value);
      }
    };
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('drain', write);
    // That the server hangs up in the middle is what some of these requests are for.
    socket.on('error', () => {});
    socket.on('close', () => {
      const [answer = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), head: answer, body, sent });
    });
    socket.write(Buffer.from(head, 'latin1'), () => write());
  });
}

export const removePage = (page: string) => rm(page, { recursive: true });

const blob = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)]);

const reference = (name: string, bytes: Uint8Array) => ({
  name,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/** The spec of a job with its photo and network; a style `{ file: 0 }` is the first of the style files. */
function specOf(job: unknown, photo: Uint8Array, files: readonly Uint8Array[]): unknown {
  if (typeof job !== 'object' || job === null) return job;
  const { styles, ...spec } = job as { readonly kind?: string; readonly styles: readonly { readonly file?: number }[] };
  return {
    content: reference('photo.png', photo),
    ...(spec.kind === 'apply' ? { network: { shipped: 'fast' } } : {}),
    ...spec,
    styles: styles.map(({ file, ...style }) =>
      file === undefined ? style : { ...reference(`style-${file}.png`, files[file] ?? new Uint8Array()), ...style },
    ),
  };
}
