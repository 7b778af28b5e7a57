/**
 * `node dist/bench/flat-photos.js [--model fast] [--size 256]`: what a trained network makes of photos without content. A lattice shows as a
 * peak of the power spectrum of the luminance, in 8 bits.
 */
import { parseArgs } from 'node:util';
import { luminance } from '#src/image/colour.js';
import { apply, createImage, type Image, openStyleNetwork, type Precision } from '#src/index.node.js';
import { loadStyleNetwork, startEngine } from '#src/node.js';
import { quantise } from '#src/pictures.js';

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'fast' }, size: { type: 'string', default: '256' } },
});
/** A power of two. */
const size = Number(values.size);

const card = (value: (channel: number, x: number, y: number) => number): Image =>
  createImage(
    size,
    size,
    Float32Array.from({ length: 3 * size * size }, (_, i) => {
      const at = i % (size * size);
      return value(Math.floor(i / size / size), at % size, Math.floor(at / size));
    }),
  );
const filled = (...colour: readonly number[]) => card((channel) => colour[channel]! / 255);
const side = size / 8;
const cards: Readonly<Record<string, Image>> = {
  white: filled(255, 255, 255),
  black: filled(0, 0, 0),
  grey: filled(128, 128, 128),
  blue: filled(60, 110, 200),
  red: filled(200, 40, 40),
  logo: card((_, x, y) => (Math.max(Math.abs(x - 0.8 * size), Math.abs(y - 0.8 * size)) < side ? 0.1 : 1)),
};

const runtime = await startEngine({ device: 'cpu' });
for (const precision of ['int8', 'float32'] as const satisfies readonly Precision[]) {
  const network = await openStyleNetwork(runtime, await loadStyleNetwork(values.model), { precision });
  for (const [name, image] of Object.entries(cards)) {
    const found: { readonly peak: number; readonly deviation: number }[] = [];
    for (const style of network.styles) {
      const { image: picture } = await apply({ image, network, styles: [{ name: style.name }] });
      found.push(spectrum(picture));
    }
    const of = (kind: 'peak' | 'deviation') => {
      const sorted = found.map((each) => each[kind]).sort((a, b) => a - b);
      return `median ${sorted[sorted.length >> 1]!.toFixed(1)}, most ${sorted.at(-1)!.toFixed(1)}`;
    };
    console.log(
      `${precision}  ${name.padEnd(6)}  peak over mean ${of('peak')}; deviation in levels ${of('deviation')}`,
    );
  }
  await network.close();
}
await runtime.close();

/** Of the upper left quarter, where the logo is not; an even picture has a peak of 0. */
function spectrum(picture: Image): { readonly peak: number; readonly deviation: number } {
  const n = size / 2;
  const y = luminance(quantise(picture));
  const rows = Array.from({ length: n }, (_, row) => Float64Array.from(y.subarray(row * size, row * size + n)));
  const mean = rows.reduce((sum, row) => sum + row.reduce((a, b) => a + b), 0) / n / n;
  const once = rows.map((row) =>
    transformed(
      row.map((value) => value - mean),
      new Float64Array(n),
    ),
  );
  let [peak, sum] = [0, 0];
  for (let column = 0; column < n; column++) {
    const [re, im] = transformed(
      Float64Array.from(once, ([real]) => real[column]!),
      Float64Array.from(once, ([, imaginary]) => imaginary[column]!),
    );
    for (let row = 0; row < n; row++) {
      const power = re[row]! ** 2 + im[row]! ** 2;
      peak = Math.max(peak, power);
      sum += power;
    }
  }
  const deviation = (255 * Math.sqrt(sum)) / n / n;
  return { peak: deviation < 1e-3 ? 0 : (peak / sum) * n * n, deviation };
}

/** The discrete Fourier transform of a length that is a power of two (Cooley & Tukey 1965). */
function transformed(re: Float64Array, im: Float64Array): readonly [Float64Array, Float64Array] {
  const n = re.length;
  if (n === 1) return [re, im];
  const half = (values: Float64Array, from: 0 | 1) =>
    Float64Array.from({ length: n / 2 }, (_, i) => values[2 * i + from]!);
  const [evenRe, evenIm] = transformed(half(re, 0), half(im, 0));
  const [oddRe, oddIm] = transformed(half(re, 1), half(im, 1));
  const [outRe, outIm] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n / 2; k++) {
    const [c, s] = [Math.cos((2 * Math.PI * k) / n), -Math.sin((2 * Math.PI * k) / n)];
    const [a, b] = [c * oddRe[k]! - s * oddIm[k]!, c * oddIm[k]! + s * oddRe[k]!];
    outRe[k] = evenRe[k]! + a;
    outIm[k] = evenIm[k]! + b;
    outRe[k + n / 2] = evenRe[k]! - a;
    outIm[k + n / 2] = evenIm[k]! - b;
  }
  return [outRe, outIm];
}
