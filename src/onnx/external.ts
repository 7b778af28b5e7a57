import { FauveError } from '../errors.js';
import { bytes, encode, type Message, message } from './protobuf.js';
import { bytesOf, type Field, fail, fieldsOf, numbersOf, reading, textOf } from './read.js';

/** A tensor of a model whose values lie in another file (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md). */
export interface ExternalTensor {
  readonly name: string;
  /** Where the model says that the file is: a path from its own folder. It may say anything. */
  readonly location: string;
  readonly offset: number;
  /** Bytes; all up to the end of the file where neither the model nor its shape say it. */
  readonly length: number | undefined;
}

/** Which fields of a message hold messages in which there may be tensors. */
const parts = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
} as const;
type Part = keyof typeof parts | 'tensor';

/** As deep as protobuf itself reads. */
const DEEPEST = 100;
/** Of TensorProto. */
const rawData = 9;
const externalData = 13;
const dataLocation = 14;

/** Bytes of a value, by its type in TensorProto; those of less than a byte and texts are left out. */
const valueBytes: Readonly<Record<number, number>> = {
  ...{ 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8 },
  ...{ 12: 4, 13: 8, 14: 8, 15: 16, 16: 2, 17: 1, 18: 1, 19: 1, 20: 1 },
};

/**
 * The tensors that a model keeps in other files, in the order of the model.
 * @throws FauveError `input` for bytes that are no ONNX model, or that say impossible places
 */
export function externalTensors(model: Uint8Array, fileName = 'The model'): ExternalTensor[] {
  const found: ExternalTensor[] = [];
  reading(fileName, () =>
    mapTensors(model, 'model', (tensor) => {
      found.push(describe(tensor, fileName));
      return undefined;
    }),
  );
  return found;
}

/**
 * The model with the values of its {@link externalTensors} in it.
 * @param values in the same order
 */
export function withTensors(model: Uint8Array, values: readonly Uint8Array[], fileName = 'The model'): Uint8Array {
  let next = 0;
  const moved = new Set([rawData, externalData, dataLocation]);
  const changed = reading(fileName, () =>
    mapTensors(model, 'model', (tensor) => [
      ...tensor.filter(({ number }) => !moved.has(number)).map(({ raw }) => raw),
      ...bytes(rawData, values[next++]!),
    ]),
  );
  return changed ? encode(changed) : model;
}

/** Applies `change` to all tensors that lie elsewhere. @returns `undefined` where nothing is to be changed */
function mapTensors(
  part: Uint8Array,
  kind: Part,
  change: (tensor: readonly Field[]) => Message | undefined,
  depth = 0,
): Message | undefined {
  if (depth > DEEPEST) fail('its parts are nested too deeply');
  const fields = fieldsOf(part);
  // Any number but 0, which says that they lie in the tensor: readers differ in what they make of large ones.
  if (kind === 'tensor')
    return numbersOf(fields, dataLocation).some((place) => place !== 0) ? change(fields) : undefined;
  const kinds: Readonly<Record<number, Part>> = parts[kind];
  let changed = false;
  const pieces = fields.flatMap(({ number, value, raw }): Message => {
    const child = kinds[number];
    const inner = child && value instanceof Uint8Array ? mapTensors(value, child, change, depth + 1) : undefined;
    if (!inner) return [raw];
    changed = true;
    return message(number, inner);
  });
  return changed ? pieces : undefined;
}

function describe(tensor: readonly Field[], fileName: string): ExternalTensor {
  const name = textOf(tensor, 8);
  const entries = bytesOf(tensor, externalData).map((entry) => {
    const pair = fieldsOf(entry);
    return [textOf(pair, 1), textOf(pair, 2)] as const;
  });
  const said = new Map(entries);
  const whole = (key: 'offset' | 'length'): number | undefined => {
    const text = said.get(key);
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new FauveError(
      'input',
      `${fileName} is damaged: the ${key} of its tensor ${quoted(name)} is ${quoted(text)}, expected a whole number. Get the file again.`,
    );
  };
  const size = valueBytes[numbersOf(tensor, 2)[0] ?? 0];
  const implied = size && numbersOf(tensor, 1).reduce((product, dim) => product * dim, size);
  return {
    ...{ name, location: said.get('location') ?? '', offset: whole('offset') ?? 0 },
    length: whole('length') ?? (Number.isSafeInteger(implied) ? implied : undefined),
  };
}

/** What a file says, for an error: without control characters, and not too much of it. */
export function quoted(text: string): string {
  return `'${text.slice(0, 80).replace(/\p{Cc}/gu, '?')}'`;
}
