import { type Endpoint, expose, transfer, wrap } from 'comlink';
import { FauveError, type Reason } from '../errors.js';
import type { Model } from '../onnx/model.js';
import type { FileSession, Runtime, Session, ShapedValues, Values } from './runtime.js';

/** What an error keeps on its way between threads. */
interface Failure {
  readonly reason: Reason;
  readonly message: string;
}

type Reply<T> = { readonly value: T } | { readonly failure: Failure };

/** A runtime as calls with plain arguments; sessions are numbers. */
interface RemoteRuntime {
  describe(): Promise<Reply<Pick<Runtime, 'device' | 'engine' | 'notice'>>>;
  open(model: Model): Promise<Reply<number>>;
  write(session: number, values: Values): Promise<Reply<void>>;
  read(session: number, names: readonly string[]): Promise<Reply<Record<string, Float32Array>>>;
  run(
    session: number,
    feeds: Values,
    fetch: readonly string[],
    carry: Readonly<Record<string, string>>,
  ): Promise<Reply<Record<string, Float32Array>>>;
  openFile(bytes: Uint8Array): Promise<Reply<{ readonly id: number } & Pick<FileSession, 'inputs' | 'outputs'>>>;
  runFile(
    file: number,
    feeds: Readonly<Record<string, ShapedValues>>,
    fetch: readonly string[],
  ): Promise<Reply<Record<string, ShapedValues>>>;
  /** Of either kind. */
  closeSession(session: number): Promise<Reply<void>>;
}

/** Answers the calls of {@link connectRuntime} on the other side. Runs in the worker that holds the engine. */
export function serveRuntime(endpoint: Endpoint, starting: Promise<Runtime>): void {
  const sessions = new Map<number, Session>();
  const files = new Map<number, FileSession>();
  let next = 0;
  const held = <T>(map: ReadonlyMap<number, T>, id: number): T => {
    const found = map.get(id);
    if (!found) throw new FauveError('request', 'This session is closed.');
    return found;
  };
  const session = (id: number) => held(sessions, id);
  const reply = async <T>(job: () => Promise<T>): Promise<Reply<T>> => {
    try {
      return { value: await job() };
    } catch (error) {
      const reason: Reason = error instanceof FauveError ? error.reason : { kind: 'engine' };
      return { failure: { reason, message: error instanceof Error ? error.message : String(error) } };
    }
  };
  /** The engine may still own what it returned: copies move to the other thread. */
  const moving = async <T>(
    job: () => Promise<Record<string, T>>,
    copied: (value: T) => T,
    bufferOf: (value: T) => ArrayBufferLike,
  ) => {
    const answer = await reply(job);
    if ('failure' in answer) return answer;
    const value = Object.fromEntries(Object.entries(answer.value).map(([name, each]) => [name, copied(each)]));
    return transfer({ value }, Object.values(value).map(bufferOf) as ArrayBuffer[]);
  };
  const movingValues = (job: () => Promise<Record<string, Float32Array>>) =>
    moving(
      job,
      (data) => data.slice(),
      (data) => data.buffer,
    );
  const remote: RemoteRuntime = {
    describe: () =>
      reply(async () => {
        const { device, engine, notice } = await starting;
        return { device, engine, ...(notice === undefined ? {} : { notice }) };
      }),
    open: (model) =>
      reply(async () => {
        const opened = await (await starting).open(model);
        sessions.set(next, opened);
        return next++;
      }),
    write: (id, values) => reply(async () => session(id).write(values)),
    read: (id, names) => movingValues(async () => session(id).read(names)),
    run: (id, feeds, fetch, carry) => movingValues(async () => session(id).run(feeds, fetch, carry)),
    openFile: (bytes) =>
      reply(async () => {
        const file = await (await starting).openFile(bytes);
        files.set(next, file);
        return { id: next++, inputs: file.inputs, outputs: file.outputs };
      }),
    runFile: (id, feeds, fetch) =>
      moving(
        async () => held(files, id).run(feeds, fetch),
        ({ shape, data }) => ({ shape, data: data.slice() }),
        ({ data }) => data.buffer,
      ),
    closeSession: (id) =>
      reply(async () => {
        await (sessions.get(id) ?? files.get(id))?.close();
        sessions.delete(id);
        files.delete(id);
      }),
  };
  // Whoever asks is told; nobody may ask before the engine fails to start.
  starting.catch(() => undefined);
  expose(remote, endpoint);
}

/**
 * A {@link Runtime} in another thread, so that nothing blocks while the engine runs.
 * @param failed rejects when the thread dies
 * @param terminate ends the thread
 */
export async function connectRuntime(
  endpoint: Endpoint,
  failed: Promise<never>,
  terminate: () => Promise<void>,
): Promise<Runtime> {
  const remote = wrap<RemoteRuntime>(endpoint);
  // Not Promise.race: the promise of the thread's death would hold on to the answer of every call until the end.
  const waiting = new Set<(reason: unknown) => void>();
  let death: { readonly reason: unknown } | undefined;
  failed.catch((reason: unknown) => {
    death = { reason };
    for (const reject of waiting) reject(reason);
  });
  const call = async <T>(reply: Promise<Reply<T>>): Promise<T> => {
    const answer = await new Promise<Reply<T>>((resolve, reject) => {
      if (death) return reject(death.reason);
      waiting.add(reject);
      reply.then(resolve, reject).finally(() => waiting.delete(reject));
    });
    if ('failure' in answer) throw new FauveError(answer.failure.reason, answer.failure.message);
    return answer.value;
  };
  return {
    ...(await call(remote.describe())),
    async open(model) {
      // The bytes move: nobody needs a hundred megabytes twice.
      const id = await call(remote.open(transfer(model, [model.bytes.buffer])));
      return {
        model: { inputs: model.inputs, outputs: model.outputs },
        write: (values) => call(remote.write(id, values)),
        read: (names) => call(remote.read(id, names)),
        run: (feeds, fetch, carry = {}) => call(remote.run(id, feeds, fetch, carry)),
        close: () => call(remote.closeSession(id)),
      };
    },
    async openFile(bytes) {
      const { id, inputs, outputs } = await call(remote.openFile(bytes));
      return {
        inputs,
        outputs,
        run: (feeds, fetch) => call(remote.runFile(id, feeds, fetch)),
        close: () => call(remote.closeSession(id)),
      };
    },
    close: terminate,
  };
}
