import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '#src/formats/safetensors.js';
import type { WeightTensor } from '#src/formats/tensor.js';
import { createImage, type Image } from '#src/image/image.js';
import { networkSpec } from '#src/networks/registry.js';
import { encodeImage } from '#src/platform/node/codec.js';
import { importNetwork } from '#src/platform/node/model-store.js';
import { random } from './random.js';

export const main = fileURLToPath(new URL('../../dist/bin/fauve.js', import.meta.url));

/** How a command ended. */
export interface Outcome {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A file that standard output goes to, instead of the outcome. */
  readonly stdout?: string;
  /** Is given each line of stdout as it comes. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
  /** Is given what stderr says, each time that there is more. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** A command line in a folder of its own, with weights and pictures. */
export interface Workplace {
  /** Runs `fauve` here. */
  fauve(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** What `fauve` is run with here: nothing of the caller's terminal or settings. */
  readonly env: Readonly<Record<string, string>>;
  /** A path in the folder. */
  at(name: string): string;
  readonly cache: string;
  remove(): Promise<void>;
}

/** Options that the network of the tests can fulfil, and that are done in no time. */
export const tinyRun = [
  ...['--network', 'vgg19'],
  ...['--content-layers', 'relu2_1', '--style-layers', 'relu1_1,relu2_1'],
  ...['--size', '48', '--steps', '4', '--threads', '1', '--device', 'cpu'],
];

/** A folder with `photo.png`, `style.png` and `other.png`, and a cache with weights that end at conv2_1. */
export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'fauve-cli-'));
  const at = (name: string) => join(folder, name);
  const cache = at('cache');
  await writeFile(at('weights.safetensors'), shallowVgg());
  await importNetwork(at('weights.safetensors'), 'vgg19', { cache });
  const ownEnv = { PATH: process.env.PATH ?? '', HOME: folder, FAUVE_CACHE: cache };
  const pictures = { photo: picture(64, 48, 1), style: picture(40, 56, 2), other: picture(50, 50, 3) };
  for (const [name, image] of Object.entries(pictures)) {
    await writeFile(at(`${name}.png`), await encodeImage(image, 'png'));
  }
  return {
    at,
    cache,
    env: ownEnv,
    fauve: (args, { env = {}, stdout, onLine, onStderr } = {}) => {
      const file = stdout === undefined ? undefined : openSync(stdout, 'w');
      const child = spawn(process.execPath, [main, ...args], {
        cwd: folder,
        env: { ...ownEnv, ...env },
        stdio: ['ignore', file ?? 'pipe', 'pipe'],
      });
      return new Promise((resolve, reject) => {
        const text = { stdout: '', stderr: '' };
        if (file !== undefined) closeSync(file);
        if (child.stdout) {
          createInterface({ input: child.stdout }).on('line', (line) => {
            text.stdout += `${line}\n`;
            onLine?.(line, child);
          });
        }
        child.stderr!.on('data', (data) => {
          text.stderr += data;
          onStderr?.(text.stderr, child);
        });
        child.on('error', reject);
        child.on('close', (code, signal) => resolve({ code, signal, ...text }));
      });
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

/** A picture with large and small structures. */
export function picture(width: number, height: number, seed: number): Image {
  const values = random(seed).uniform([3, height, width], 0, 0.3);
  const data = values.map((noise, i) => {
    const [x, y, channel] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
    return noise + 0.35 * (1 + Math.sin((x * (1 + channel) + y * seed) / 7));
  });
  return createImage(width, height, data);
}

/** VGG-19's first three convolutions with random weights, as a plain safetensors file. */
function shallowVgg(): Uint8Array {
  const values = random(7);
  const tensors = new Map<string, WeightTensor>();
  for (const { name, inChannels, outChannels } of networkSpec('vgg19').blocks.flat().slice(0, 3)) {
    // He's scale keeps the activations of all layers alike.
    const bound = Math.sqrt(6 / (9 * inChannels));
    const shape = [outChannels, inChannels, 3, 3];
    tensors.set(`${name}.weight`, { shape, data: values.uniform(shape, -bound, bound) });
    tensors.set(`${name}.bias`, { shape: [outChannels], data: values.uniform([outChannels], -0.1, 0.1) });
  }
  return writeSafetensors(tensors);
}
