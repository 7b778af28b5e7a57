import { type Endpoint, expose, transfer, wrap } from 'comlink';
import { type ErrorCode, FauveError } from '../errors.js';
import type { Model } from '../onnx/model.js';
import type { Device, Runtime, Session, Values } from './runtime.js';

/** What an error keeps on its way between threads. */
interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

type Reply<T> = { readonly value: T } | { readonly failure: Failure };

/** A runtime as calls with plain arguments; sessions are numbers. */
interface RemoteRuntime {
  describe(): Promise<Reply<{ readonly device: Device; readonly engine: string }>>;
  open(model: Model): Promise<Reply<number>>;
  write(session: number, values: Values): Promise<Reply<void>>;
  read(session: number, names: readonly string[]): Promise<Reply<Record<string, Float32Array>>>;
  run(
    session: number,
    feeds: Values,
    fetch: readonly string[],
    carry: Readonly<Record<string, string>>,
  ): Promise<Reply<Record<string, Float32Array>>>;
  closeSession(session: number): Promise<Reply<void>>;
}

/** Answers the calls of {@link connectRuntime} on the other side. Runs in the worker that holds the engine. */
export function serveRuntime(endpoint: Endpoint, starting: Promise<Runtime>): void {
  const sessions = new Map<number, Session>();
  let next = 0;
  const session = (id: number): Session => {
    const found = sessions.get(id);
    if (!found) throw new FauveError('usage', 'This session is closed.');
    return found;
  };
  const reply = async <T>(job: () => Promise<T>): Promise<Reply<T>> => {
    try {
      return { value: await job() };
    } catch (error) {
      const code = error instanceof FauveError ? error.code : 'system';
      return { failure: { code, message: error instanceof Error ? error.message : String(error) } };
    }
  };
  /** The engine may still own what it returned: copies move to the other thread. */
  const moving = async (job: () => Promise<Record<string, Float32Array>>) => {
    const answer = await reply(job);
    if ('failure' in answer) return answer;
    const value = Object.fromEntries(Object.entries(answer.value).map(([name, data]) => [name, data.slice()]));
    return transfer(
      { value },
      Object.values(value).map((data) => data.buffer),
    );
  };
  const remote: RemoteRuntime = {
    describe: () => reply(async () => ({ device: (await starting).device, engine: (await starting).engine })),
    open: (model) =>
      reply(async () => {
        const opened = await (await starting).open(model);
        sessions.set(next, opened);
        return next++;
      }),
    write: (id, values) => reply(async () => session(id).write(values)),
    read: (id, names) => moving(async () => session(id).read(names)),
    run: (id, feeds, fetch, carry) => moving(async () => session(id).run(feeds, fetch, carry)),
    closeSession: (id) =>
      reply(async () => {
        await sessions.get(id)?.close();
        sessions.delete(id);
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
    if ('failure' in answer) throw new FauveError(answer.failure.code, answer.failure.message);
    return answer.value;
  };
  const { device, engine } = await call(remote.describe());
  return {
    device,
    engine,
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
    close: terminate,
  };
}
