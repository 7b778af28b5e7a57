import { viewOf } from './bytes.js';

interface Component {
  readonly id: number;
  readonly h: number;
  readonly v: number;
  /** Blocks of 8×8 in a row and in a column, in whole groups (MCUs), and of those the ones with pixels. */
  readonly stride: number;
  readonly across: number;
  readonly down: number;
  /** Progressive: which of the 64 coefficients of each block are not 0 so far. */
  readonly nonZero: Uint8Array;
  /** How many low bits of each coefficient are still to come; 99 before any bit. */
  readonly missing: Uint8Array;
}

interface Frame {
  readonly progressive: boolean;
  readonly components: readonly Component[];
  readonly mcusAcross: number;
  readonly mcusDown: number;
}

/** A Huffman table: for each length of code the first code above it, and where its symbols are. */
interface Table {
  readonly limit: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}

interface Scan {
  readonly parts: readonly {
    readonly component: Component;
    readonly dc: Table | undefined;
    readonly ac: Table | undefined;
  }[];
  readonly from: number;
  readonly to: number;
  readonly high: number;
  readonly low: number;
}

/** Zeros after the data are no data: some systems give a file its length before its contents. A code may end in a few. */
const MOST_ZEROS = 4;

/**
 * Where the compressed data of a JPEG end that say all of its blocks (ITU T.81, annexes B, F and G).
 * @returns `cut` when blocks are missing, `unknown` for the rare kinds that are not followed here
 */
export function endOfBlocks(bytes: Uint8Array): number | 'cut' | 'unknown' {
  const view = viewOf(bytes);
  const tables = new Map<number, Table>();
  let frame: Frame | undefined;
  let interval = 0;
  for (let at = 2; at + 4 <= bytes.byteLength; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff || marker === 0xff) {
      // Something lies between the segments.
      at++;
      continue;
    }
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xd9) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > bytes.byteLength) return 'cut';
    const data = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xc4) readTables(data, tables);
    else if (marker === 0xdd) interval = viewOf(data).getUint16(0);
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) {
      frame = marker <= 0xc2 && !frame ? readFrame(data, marker === 0xc2) : undefined;
      if (!frame) return 'unknown';
    } else if (marker === 0xda) {
      const scan = frame && readScan(data, frame, tables);
      if (!frame || !scan) return 'unknown';
      const after = followScan(frame, scan, new Bits(bytes, end), interval);
      if (after === undefined) return 'cut';
      for (const { component } of scan.parts) component.missing.fill(scan.low, scan.from, scan.to + 1);
      at = after;
      if (frame.components.every(({ missing }) => missing.every((bits) => bits === 0))) {
        return after <= bytes.findLastIndex((byte) => byte !== 0) + 1 + MOST_ZEROS ? after : 'cut';
      }
    }
  }
  return 'cut';
}

function readTables(data: Uint8Array, tables: Map<number, Table>): void {
  for (let at = 0; at + 17 <= data.byteLength; ) {
    const [limit, offset] = [new Int32Array(17), new Int32Array(17)];
    let [code, count] = [0, 0];
    for (let length = 1; length <= 16; length++) {
      const codes = data[at + length]!;
      offset[length] = count - code;
      code += codes;
      count += codes;
      limit[length] = code;
      code <<= 1;
    }
    tables.set(data[at]!, { limit, offset, symbols: data.subarray(at + 17, at + 17 + count) });
    at += 17 + count;
  }
}

function readFrame(data: Uint8Array, progressive: boolean): Frame | undefined {
  const view = viewOf(data);
  if (data.byteLength < 6 || data.byteLength < 6 + 3 * data[5]!) return undefined;
  const [height, width] = [view.getUint16(1), view.getUint16(3)];
  const sampling = Array.from({ length: data[5]! }, (_, i) => {
    const [id, factors] = [data[6 + 3 * i]!, data[7 + 3 * i]!];
    return { id, h: factors >> 4, v: factors & 15 };
  });
  const [most, tallest] = [Math.max(...sampling.map(({ h }) => h)), Math.max(...sampling.map(({ v }) => v))];
  // A height of 0 is told after the first scan.
  if (height === 0 || width === 0 || sampling.some(({ h, v }) => h === 0 || v === 0)) return undefined;
  const [mcusAcross, mcusDown] = [Math.ceil(width / (8 * most)), Math.ceil(height / (8 * tallest))];
  const components = sampling.map((each) => ({
    ...each,
    stride: mcusAcross * each.h,
    across: Math.ceil(Math.ceil((width * each.h) / most) / 8),
    down: Math.ceil(Math.ceil((height * each.v) / tallest) / 8),
    nonZero: new Uint8Array(progressive ? 64 * mcusAcross * each.h * mcusDown * each.v : 0),
    missing: new Uint8Array(64).fill(99),
  }));
  return { progressive, components, mcusAcross, mcusDown };
}

function readScan(data: Uint8Array, frame: Frame, tables: ReadonlyMap<number, Table>): Scan | undefined {
  const count = data[0] ?? 0;
  if (count === 0 || data.byteLength < 4 + 2 * count) return undefined;
  const parts = Array.from({ length: count }, (_, i) => {
    const [id, numbers] = [data[1 + 2 * i]!, data[2 + 2 * i]!];
    const component = frame.components.find((each) => each.id === id);
    return component && { component, dc: tables.get(numbers >> 4), ac: tables.get(16 + (numbers & 15)) };
  });
  const [from, to, bits] = [data[1 + 2 * count]!, Math.min(63, data[2 + 2 * count]!), data[3 + 2 * count]!];
  const known = parts.filter((part) => part !== undefined);
  return known.length === count ? { parts: known, from, to, high: bits >> 4, low: bits & 15 } : undefined;
}

/** @returns where its data end; `undefined` when the file ends before, or they make no sense */
function followScan(frame: Frame, scan: Scan, bits: Bits, interval: number): number | undefined {
  const [first] = scan.parts;
  const alone = scan.parts.length === 1;
  const across = alone ? first!.component.across : frame.mcusAcross;
  const down = alone ? first!.component.down : frame.mcusDown;
  const run = { left: 0 };
  for (let mcu = 0; mcu < across * down; mcu++) {
    if (interval > 0 && mcu > 0 && mcu % interval === 0) {
      bits.restart();
      run.left = 0;
    }
    const [x, y] = [mcu % across, Math.floor(mcu / across)];
    for (const { component, dc, ac } of scan.parts) {
      const [h, v] = alone ? [1, 1] : [component.h, component.v];
      for (let block = 0; block < h * v; block++) {
        const place = (y * v + Math.floor(block / h)) * component.stride + x * h + (block % h);
        if (frame.progressive)
          followPart(bits, scan, dc, ac, component.nonZero.subarray(64 * place, 64 * place + 64), run);
        else followBlock(bits, dc, ac);
        if (bits.ended) return undefined;
      }
    }
  }
  return bits.at;
}

function followBlock(bits: Bits, dc: Table | undefined, ac: Table | undefined): void {
  bits.skip(bits.symbol(dc));
  for (let k = 1; k < 64 && !bits.ended; k++) {
    const symbol = bits.symbol(ac);
    const [zeros, size] = [symbol >> 4, symbol & 15];
    if (size === 0 && zeros < 15) return;
    bits.skip(size);
    k += zeros;
  }
}

/** What a progressive scan says of a block: a few coefficients, or a bit more of them. */
function followPart(
  bits: Bits,
  { from, to, high }: Scan,
  dc: Table | undefined,
  ac: Table | undefined,
  nonZero: Uint8Array,
  run: { left: number },
): void {
  if (from === 0) {
    bits.skip(high === 0 ? bits.symbol(dc) : 1);
    return;
  }
  let k = from;
  // Refined coefficients have a bit more each, on the way to where the next new one is.
  const pass = (zeros: number) => {
    for (let left = zeros; k <= to; k++) {
      if (high > 0 && nonZero[k] === 1) bits.skip(1);
      else if (left-- === 0) return;
    }
  };
  while (run.left === 0 && k <= to && !bits.ended) {
    const symbol = bits.symbol(ac);
    const [zeros, size] = [symbol >> 4, symbol & 15];
    if (size === 0 && zeros < 15) {
      run.left = (1 << zeros) + bits.read(zeros);
      break;
    }
    bits.skip(size);
    pass(zeros);
    if (size > 0 && k <= to) nonZero[k] = 1;
    k++;
  }
  if (run.left === 0) return;
  run.left--;
  pass(64);
}

/** Bits of compressed data, where 0 follows each byte of 0xff. */
class Bits {
  /** Whether more was asked for than there is, or a code is none. */
  ended = false;
  private byte = 0;
  private left = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** The next byte. */
    public at: number,
  ) {}

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      if (this.left === 0) this.next();
      this.left--;
      value = (value << 1) | ((this.byte >> this.left) & 1);
    }
    return value;
  }

  skip(count: number): void {
    this.read(count);
  }

  symbol(table: Table | undefined): number {
    if (table) {
      for (let length = 1, code = 0; length <= 16; length++) {
        code = (code << 1) | this.read(1);
        if (code < table.limit[length]!) return table.symbols[table.offset[length]! + code] ?? 0;
      }
    }
    this.ended = true;
    return 0;
  }

  /** On to what follows a restart marker. */
  restart(): void {
    this.left = 0;
    const { bytes } = this;
    const marker = bytes[this.at + 1] ?? 0;
    if (bytes[this.at] !== 0xff || marker < 0xd0 || marker > 0xd7) this.ended = true;
    this.at += 2;
  }

  private next(): void {
    const byte = this.bytes[this.at];
    if (byte === undefined || (byte === 0xff && this.bytes[this.at + 1] !== 0)) {
      this.ended = true;
      this.byte = 0;
    } else {
      this.byte = byte;
      this.at += byte === 0xff ? 2 : 1;
    }
    this.left = 8;
  }
}
