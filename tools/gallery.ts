/** `npm run gallery -- PAINTINGS`: makes `models/styles/` again from a folder of paintings and `models/styles/gallery.json`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeStyle, sha256Hex } from '#src/files.js';
import {
  captureStyle,
  encodeImage,
  type NetworkWeights,
  type Runtime,
  resizeImage,
  type Style,
  texture,
} from '#src/index.node.js';
import { decodeImage, loadNetworkWeights, readStyle, startEngine } from '#src/node.js';
import { cropBottom } from '#src/pictures.js';
import { writeStyleIndex } from '#src/platform/node/style-store.js';
import { type GalleryEntry, galleryEntries } from './gallery-entries.js';

const usage = `npm run gallery -- [PAINTINGS] [options]
  PAINTINGS          folder of the paintings (default ../shared/paintings)
  --no-swatches      only the style files
  --only a,b         only these styles
  --force            makes anew what is up to date
  --out DIR          another folder than models/styles`;

/** The networks that the gallery is for, and bytes of a style for each: all styles and swatches together stay below 3 MB. */
const BYTES = { distilled: 54 * 1024, 'distilled-small': 30 * 1024 };

/** A swatch is painted larger than it is shown, so that its strokes are sharp. */
const SWATCH = { size: 192, painted: 288, steps: 24, quality: 68 } as const;

/** What a style was made from, by name: `manifest.json`. */
interface Made {
  readonly painting: string;
  readonly paintingSha256: string;
  readonly styleSha256: string;
  /** The style that the swatch was painted from. */
  readonly swatchOf?: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    swatches: { type: 'boolean', default: true },
    only: { type: 'string' },
    force: { type: 'boolean', default: false },
    out: { type: 'string', default: 'models/styles' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const paintings = positionals[0] ?? '../shared/paintings';
const list = galleryEntries();
const only = values.only?.split(',');
const entries = list.filter(({ name }) => !only || only.includes(name));
const manifestPath = join(values.out, 'manifest.json');
const manifest: Record<string, Made> = existsSync(manifestPath) ? JSON.parse(readFileSync(manifestPath, 'utf8')) : {};

const networks: NetworkWeights[] = [];
for (const name of Object.keys(BYTES)) networks.push(await loadNetworkWeights(name));
const runtime = await startEngine();
try {
  for (const entry of entries) await make(entry, runtime);
} finally {
  await runtime.close();
}
await writeStyleIndex(values.out);

async function make(entry: GalleryEntry, runtime: Runtime): Promise<void> {
  const { name, file, ...words } = entry;
  const path = join(values.out, `${name}.style`);
  const bytes = readFileSync(join(paintings, file));
  const paintingSha256 = await sha256Hex(bytes);
  const said = { name, title: words.title, artist: words.artist, year: words.year, source: '' };
  let made = manifest[name];
  let style = existsSync(path) ? (await readStyle(path).catch(() => undefined))?.style : undefined;
  if (values.force || !style || made?.paintingSha256 !== paintingSha256 || !isCurrent(style, said)) {
    const { image } = await decodeImage(bytes, { what: 'Painting', fileName: file });
    const cropped = cropBottom(image, (entry.cropBottom ?? 0) / 100);
    // What a network that is still the same sees of the same painting.
    const known = values.force || made?.paintingSha256 !== paintingSha256 ? [] : (style?.networks ?? []);
    const kept = new Map(known.map((held) => [held.sha256, held]));
    const changed = networks.filter(({ sha256 }) => !kept.has(sha256));
    const captured = await captureStyle({ image: cropped, about: said, networks: changed, runtime, bytes: BYTES });
    for (const held of captured.networks) kept.set(held.sha256, held);
    style = { ...captured, networks: networks.map(({ sha256 }) => kept.get(sha256)!) };
    const encoded = encodeStyle(style);
    writeFileSync(path, encoded);
    made = { painting: file, paintingSha256, styleSha256: await sha256Hex(encoded) };
    console.log(`${name}: ${encoded.byteLength} bytes`);
  }
  const swatch = join(values.out, `${name}.webp`);
  if (values.swatches && (values.force || made.swatchOf !== made.styleSha256 || !existsSync(swatch))) {
    const { size, painted, steps, quality } = SWATCH;
    // Looked at as a picture of 384 pixels, shown at half of that.
    const options = { styleScale: (2 * size) / (painted + 32) };
    const { image, loss, seconds } = await texture({
      style,
      weights: networks[0]!,
      runtime,
      size: painted,
      steps,
      options,
    });
    const encoded = await encodeImage(resizeImage(image, size, size), 'webp', { quality });
    writeFileSync(swatch, encoded);
    made = { ...made, swatchOf: made.styleSha256 };
    console.log(`${name}: swatch of ${encoded.byteLength} bytes, loss ${loss.toPrecision(3)}, ${seconds.toFixed(0)} s`);
  }
  manifest[name] = made;
  const sorted = Object.fromEntries(
    list.flatMap((each) => (manifest[each.name] ? [[each.name, manifest[each.name]]] : [])),
  );
  writeFileSync(manifestPath, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Whether a style says what it should and is for the networks as they are now. */
function isCurrent(style: Style, said: Omit<Style, 'networks' | 'palette'>): boolean {
  const { networks: held, palette: _, ...about } = style;
  const hashes = (all: readonly { readonly sha256: string }[]) => all.map(({ sha256 }) => sha256).join();
  return JSON.stringify(about) === JSON.stringify(said) && hashes(held) === hashes(networks);
}
