import type * as Ort from 'onnxruntime-web';
import { aFunction, bytesOf, type Check, objectWith } from '../checks/checks.js';
import { FauveError } from '../errors.js';
import { type Shape, sizeOf } from '../graph/tensor.js';
import type { Model } from '../onnx/model.js';
import { engineWords } from './engine-words.js';

/** Values of named inputs or outputs, row-major float32. */
export type Values = Readonly<Record<string, Float32Array>>;

/** `cpu`: all cores through vector instructions. `webgpu`: the graphics card. */
export type Device = 'cpu' | 'webgpu';

/** A model that is ready to run. Inputs that were written stay; those that a run feeds hold for that run. */
export interface Session {
  readonly model: Pick<Model, 'inputs' | 'outputs'>;
  /** Sets resident inputs. @throws FauveError for an unknown name or a wrong size */
  write(values: Values): Promise<void>;
  /** Reads resident inputs back: what was written, or carried there by a run. */
  read(names: readonly string[]): Promise<Record<string, Float32Array>>;
  /**
   * @param feeds inputs for this run
   * @param fetch outputs to return
   * @param carry input → output: the output becomes the resident input of the next run without leaving the device
   */
  run(
    feeds: Values,
    fetch: readonly string[],
    carry?: Readonly<Record<string, string>>,
  ): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

/** Values, row-major float32, and their shape. */
export interface ShapedValues {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** What a file says of one of its inputs or outputs. */
export interface ValueInfo {
  /** Element type: `float32`, `uint8`, …; `undefined` for what is no tensor. */
  readonly type: string | undefined;
  /** A dimension that may be any is 0. Empty where the file does not say it. */
  readonly shape: Shape;
}

/** A model out of a file: the engine says what goes in and out, and each run says of what size. */
export interface FileSession {
  readonly inputs: Readonly<Record<string, ValueInfo>>;
  readonly outputs: Readonly<Record<string, ValueInfo>>;
  /**
   * @param feeds float32 values for all inputs
   * @param fetch outputs to return, which are float32
   */
  run(feeds: Readonly<Record<string, ShapedValues>>, fetch: readonly string[]): Promise<Record<string, ShapedValues>>;
  close(): Promise<void>;
}

/** An engine: it opens models and runs them, one run at a time. */
export interface Runtime {
  readonly device: Device;
  /** Which engine, in words: `onnxruntime-node 1.30, 2 threads`. */
  readonly engine: string;
  /** Why it is not the fast one, and what to do; absent where it is. */
  readonly notice?: string;
  /** Takes the model over: its bytes may be gone afterwards. */
  open(model: Model): Promise<Session>;
  /**
   * Opens any ONNX file that holds its weights. Its bytes are copied.
   * @throws FauveError `input` when the engine cannot run it
   */
  openFile(bytes: Uint8Array): Promise<FileSession>;
  close(): Promise<void>;
}

/** @throws FauveError `usage` for what is no {@link Runtime} */
export const checkRuntime: Check = objectWith(
  { open: aFunction, openFile: aFunction },
  'a Runtime',
  'Start one: await startEngine(), in a browser await loadEngine(…).',
);

/** What the caller of a closed engine is told. */
export const engineClosed = 'The engine is closed. Start another one, and close it when all work is done.';

/** The part of ONNX Runtime that is used. onnxruntime-node and onnxruntime-web both have it. */
export interface OrtLike {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: Ort.InferenceSession.SessionOptions): Promise<Ort.InferenceSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => Ort.Tensor;
}

/** What an error of an engine means, and what to do about it. */
export interface EngineFailure {
  readonly kind: 'device-lost' | 'out-of-memory' | 'engine';
  readonly why: string;
}

/** What {@link createRuntime} is told of an engine. */
export interface RuntimeOptions {
  readonly device: Device;
  readonly engine: string;
  readonly notice?: string;
  readonly threads?: number;
  /** Says what an error means and what to do about it, where the engine's own words do not. */
  readonly explain?: (error: unknown) => EngineFailure | undefined;
  /** Called before a model runs for the first time: the engine has taken it over, and nobody needs its bytes any more. */
  readonly tidy?: () => void;
}

/** The engine prints nothing of its own, in colours, on stderr: what it has to say comes with its errors. */
const silent = { logSeverityLevel: 4 } as const;

/** A {@link Runtime} in this thread, over the ONNX Runtime that is passed in. */
export function createRuntime(
  ort: OrtLike,
  { device, engine, notice, threads, explain = () => undefined, tidy = () => undefined }: RuntimeOptions,
): Runtime {
  const engineFailed = (what: string, error: unknown): never => {
    const { kind, why } = explain(error) ?? { kind: 'engine', why: engineWords(error) };
    throw new FauveError(kind, `The engine could not ${what}: ${why}`, { cause: error });
  };
  // One ONNX Runtime must not run two sessions at once: in a browser they would share one heap.
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    const result = queue.then(job);
    queue = result.catch(() => undefined);
    return result;
  };
  const sessions = new Set<Pick<Session, 'close'>>();
  // The memory pattern plans one block for everything at once: 45 % more memory at 512², not faster.
  const settings: Ort.InferenceSession.SessionOptions = {
    ...silent,
    executionProviders: [device],
    enableMemPattern: false,
  };
  // The engine refuses an undefined one.
  if (threads !== undefined) settings.intraOpNumThreads = threads;
  let closed = false;
  const create = (bytes: Uint8Array): Promise<Ort.InferenceSession> => {
    if (closed) throw new FauveError('request', engineClosed);
    return inTurn(() => ort.InferenceSession.create(bytes, settings));
  };
  const requireOpen = (session: Pick<Session, 'close'>) => {
    if (!sessions.has(session)) throw new FauveError('request', closed ? engineClosed : 'This session is closed.');
  };

  const open = async (model: Model): Promise<Session> => {
    // What is below must not hold on to the model: its bytes, up to a hundred million, would live as long as the session.
    const { inputs: shapes, outputs: results } = model;
    const session = await create(model.bytes).catch((error) => engineFailed('prepare the network', error));
    let tidied = false;
    const resident: Record<string, Ort.Tensor> = {};
    const tensor = (name: string, data: Float32Array): Ort.Tensor => {
      const shape = shapes[name];
      if (!shape)
        throw new FauveError('request', `The model has no input '${name}'. It has ${Object.keys(shapes).join(', ')}.`);
      if (data.length !== sizeOf(shape)) {
        throw new FauveError('input', `'${name}' needs ${sizeOf(shape)} values [${shape}], received ${data.length}.`);
      }
      return new ort.Tensor('float32', data, shape);
    };
    const opened: Session = {
      model: { inputs: shapes, outputs: results },
      async write(values) {
        for (const [name, data] of Object.entries(values)) resident[name] = tensor(name, data);
      },
      async read(names) {
        const entries = names.map(async (name) => {
          const held = resident[name];
          if (!held) throw new FauveError('request', `'${name}' was not written to this session.`);
          return [name, (await held.getData()) as Float32Array] as const;
        });
        return Object.fromEntries(await Promise.all(entries));
      },
      async run(feeds, fetch, carry = {}) {
        requireOpen(opened);
        return inTurn(async () => {
          // Not when it is opened: whoever sent the model holds it until that is answered.
          if (!tidied) tidy();
          tidied = true;
          const inputs: Record<string, Ort.Tensor> = { ...resident };
          for (const [name, data] of Object.entries(feeds)) inputs[name] = tensor(name, data);
          const missing = Object.keys(shapes).find((name) => !inputs[name]);
          if (missing) throw new FauveError('request', `The input '${missing}' was neither written nor fed.`);
          const wanted = [...new Set([...fetch, ...Object.values(carry)])];
          const outputs = await session
            .run(inputs, wanted, silent)
            .catch((error) => engineFailed('run the network', error));
          for (const [input, output] of Object.entries(carry)) resident[input] = outputs[output]!;
          const values = fetch.map(async (name) => [name, (await outputs[name]!.getData()) as Float32Array] as const);
          return Object.fromEntries(await Promise.all(values));
        });
      },
      async close() {
        if (!sessions.delete(opened)) return;
        await inTurn(() => session.release());
      },
    };
    sessions.add(opened);
    return opened;
  };

  const openFile = async (file: Uint8Array): Promise<FileSession> => {
    const session = await create(bytesOf(file, 'openFile, bytes')).catch((error) => {
      // Of which it says nothing, the model is to blame.
      if (explain(error) !== undefined) engineFailed('prepare the network', error);
      throw new FauveError('model', `The engine cannot run this model: ${engineWords(error)}`, { cause: error });
    });
    const opened: FileSession = {
      inputs: valueInfos(session.inputMetadata),
      outputs: valueInfos(session.outputMetadata),
      async run(feeds, fetch) {
        requireOpen(opened);
        return inTurn(async () => {
          const inputs = Object.entries(feeds).map(
            ([name, { shape, data }]) => [name, new ort.Tensor('float32', data, shape)] as const,
          );
          const outputs = await session
            .run(Object.fromEntries(inputs), [...fetch], silent)
            .catch((error) => engineFailed('run the network', error));
          const values = fetch.map(async (name) => {
            const { dims } = outputs[name]!;
            return [name, { shape: dims, data: (await outputs[name]!.getData()) as Float32Array }] as const;
          });
          return Object.fromEntries(await Promise.all(values));
        });
      },
      async close() {
        if (!sessions.delete(opened)) return;
        await inTurn(() => session.release());
      },
    };
    sessions.add(opened);
    return opened;
  };

  return {
    device,
    engine,
    ...(notice === undefined ? {} : { notice }),
    open,
    openFile,
    async close() {
      closed = true;
      await Promise.all([...sessions].map((session) => session.close()));
    },
  };
}

function valueInfos(metadata: readonly Ort.InferenceSession.ValueMetadata[]): Record<string, ValueInfo> {
  return Object.fromEntries(
    metadata.map((value) => {
      if (!value.isTensor) return [value.name, { type: undefined, shape: [] }];
      // A dimension that may be any has a name, or −1.
      const shape = value.shape.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 0));
      return [value.name, { type: value.type, shape }];
    }),
  );
}
