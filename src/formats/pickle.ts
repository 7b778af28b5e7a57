/** A global that a pickle may name. Without `call` it is only a name, such as a storage type. */
export interface PickleGlobal {
  readonly name: string;
  readonly call?: (args: readonly unknown[]) => unknown;
}

export interface PickleOptions {
  /** The only globals that a pickle may name, by their full name (`collections.OrderedDict`). */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** What a persistent id stands for. */
  readonly persistentLoad: (id: unknown) => unknown;
}

/**
 * Interprets one pickle without running any Python: lists and tuples become arrays, dicts become Maps, and a global that is not in
 * the list is refused at its name, before anything could be called.
 * @returns the value, and the offset after the pickle
 * @throws Error that says what was refused; opcodes that plain data does not need are unknown here
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function readPickle(bytes: Uint8Array, { globals, persistentLoad }: PickleOptions, start = 0) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const memo = new Map<number, unknown>();
  const stack: unknown[] = [];
  const marks: number[] = [];
  let at = start;

  const take = (count: number): number => {
    const from = at;
    if (count > bytes.byteLength - from) throw new Error(`the pickle ends early, at byte ${bytes.byteLength}`);
    at += count;
    return from;
  };
  const byte = () => view.getUint8(take(1));
  const uint32 = () => view.getUint32(take(4), true);
  const string = (length: number) => {
    const from = take(length);
    return text.decode(bytes.subarray(from, from + length));
  };
  const line = () => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw new Error('the pickle ends early, in a name');
    return string(end + 1 - at).slice(0, -1);
  };
  const long = (length: number) => {
    const from = take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]!);
    const signed = BigInt.asIntN(8 * length, value);
    return signed >= Number.MIN_SAFE_INTEGER && signed <= Number.MAX_SAFE_INTEGER ? Number(signed) : signed;
  };
  const pop = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw new Error(`the pickle takes from an empty stack at byte ${at}`);
    return stack.pop();
  };
  const popToMark = (): unknown[] => {
    const mark = marks.pop();
    if (mark === undefined) throw new Error(`the pickle has no mark to go back to at byte ${at}`);
    return stack.splice(mark);
  };
  const top = <T>(is: (value: unknown) => value is T): T => {
    const value = stack.at(-1);
    if (!is(value)) throw new Error(`the pickle adds to something that is no container at byte ${at}`);
    return value;
  };
  const setItems = (items: readonly unknown[]): void => {
    const dict = top(isMap);
    for (let i = 0; i + 1 < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const tuple = (size: number) => Array.from({ length: size }, pop).reverse();
  const global = (name: string): PickleGlobal => {
    const known = globals.get(name);
    if (!known)
      throw new Error(
        `it asks for ${JSON.stringify(name.slice(0, 100))}, which weights do not need and which is refused`,
      );
    return known;
  };
  const recall = (index: number): unknown => {
    if (!memo.has(index)) throw new Error(`the pickle recalls value ${index}, which it never stored`);
    return memo.get(index);
  };

  const run: Readonly<Record<number, () => void>> = {
    128: () => void byte(), // PROTO
    149: () => void take(8), // FRAME
    40: () => void marks.push(stack.length), // MARK
    48: () => void pop(), // POP
    78: () => void stack.push(null), // NONE
    136: () => void stack.push(true), // NEWTRUE
    137: () => void stack.push(false), // NEWFALSE
    74: () => void stack.push(view.getInt32(take(4), true)), // BININT
    75: () => void stack.push(byte()), // BININT1
    77: () => void stack.push(view.getUint16(take(2), true)), // BININT2
    138: () => void stack.push(long(byte())), // LONG1
    71: () => void stack.push(view.getFloat64(take(8))), // BINFLOAT, big-endian
    88: () => void stack.push(string(uint32())), // BINUNICODE
    140: () => void stack.push(string(byte())), // SHORT_BINUNICODE
    84: () => void stack.push(string(uint32())), // BINSTRING
    85: () => void stack.push(string(byte())), // SHORT_BINSTRING
    125: () => void stack.push(new Map()), // EMPTY_DICT
    93: () => void stack.push([]), // EMPTY_LIST
    41: () => void stack.push([]), // EMPTY_TUPLE
    116: () => void stack.push(popToMark()), // TUPLE
    133: () => void stack.push(tuple(1)), // TUPLE1
    134: () => void stack.push(tuple(2)), // TUPLE2
    135: () => void stack.push(tuple(3)), // TUPLE3
    97: () => {
      const item = pop(); // APPEND
      top(Array.isArray).push(item);
    },
    101: () => {
      const items = popToMark(); // APPENDS
      const list = top(Array.isArray);
      for (const item of items) list.push(item);
    },
    115: () => setItems(tuple(2)), // SETITEM
    117: () => setItems(popToMark()), // SETITEMS
    113: () => void memo.set(byte(), stack.at(-1)), // BINPUT
    114: () => void memo.set(uint32(), stack.at(-1)), // LONG_BINPUT
    148: () => void memo.set(memo.size, stack.at(-1)), // MEMOIZE
    104: () => void stack.push(recall(byte())), // BINGET
    106: () => void stack.push(recall(uint32())), // LONG_BINGET
    99: () => {
      const module = line(); // GLOBAL
      stack.push(global(`${module}.${line()}`));
    },
    147: () => {
      const [module, name] = tuple(2); // STACK_GLOBAL
      stack.push(global(`${module}.${name}`));
    },
    81: () => void stack.push(persistentLoad(pop())), // BINPERSID
    82: () => {
      const [callee, args] = tuple(2); // REDUCE
      const { call, name } = callee as Partial<PickleGlobal>;
      if (!call || !Array.isArray(args)) throw new Error(`it calls '${name ?? typeof callee}', which is refused`);
      stack.push(call(args));
    },
    98: () => {
      pop(); // BUILD: the attributes of an OrderedDict (`_metadata`) are not needed.
      top(isMap);
    },
  };

  for (;;) {
    const opcode = byte();
    if (opcode === 46) return { value: pop(), end: at }; // STOP
    const step = run[opcode];
    if (!step) throw new Error(`its opcode 0x${opcode.toString(16)} at byte ${at - 1} is one that weights do not need`);
    step();
  }
}

function isMap(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map;
}
