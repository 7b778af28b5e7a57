import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startStudio } from '#server/server.js';
import { loadEngine } from '#src/platform/browser/engine.js';
import { startEngine } from '#src/platform/node/engine.js';
import { requireThreads } from '#src/runtime/threads.js';
import { openWorkplace } from './support/cli.js';

afterEach(() => vi.unstubAllGlobals());

describe('the number of threads', () => {
  it('is from 1 to that of the cores, or left out', () => {
    for (const threads of [undefined, 1, 4]) expect(() => requireThreads(threads, 4)).not.toThrow();
    for (const threads of [0, -1, 1.5, Number.NaN, 5, 1000]) {
      expect(() => requireThreads(threads, 4)).toThrow(`from 1 to 4 (this machine has 4 cores); received ${threads}.`);
    }
    expect(() => requireThreads(2, 1)).toThrow('this machine has 1 core)');
  });

  const cores = availableParallelism();
  const refusal = {
    code: 'usage',
    message: expect.stringContaining(`from 1 to ${cores} (this machine has ${cores} core`),
  };

  it('is refused by the library, before any thread starts', async () => {
    await expect(startEngine({ threads: cores + 1 })).rejects.toMatchObject(refusal);
  });

  it('is refused by the server of the studio, not by its first job', async () => {
    await expect(startStudio({ engine: { threads: cores + 1 } })).rejects.toMatchObject(refusal);
  });

  it('is refused in a browser', async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 4 });
    const engine = loadEngine({ device: 'cpu', threads: 5, assets: '/engine/' });
    await expect(engine).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('4 cores') });
  });

  it('is refused by each command, with its flag', async () => {
    const place = await openWorkplace();
    const threads = ['--threads', String(cores + 1)];
    const commands = [
      ['stylize', 'photo.png', '-s', 'style.png', '-o', 'out.png'],
      ['texture', 'great-wave', '-o', 'out.png'],
      ['losses', '--content', 'photo.png', '-s', 'style.png', 'photo.png'],
      ['capture', 'style.png', '-o', 'out.style'],
      ['apply', 'fast', 'photo.png', '-s', 'great-wave', '-o', 'out.png'],
      ['train', '--style', 'style.png', '--data', '.', '-o', 'out.onnx'],
      ['studio', '--no-open'],
    ];
    await Promise.all(
      commands.map(async (command) => {
        expect(await place.fauve([...command, ...threads])).toMatchObject({
          code: 2,
          stderr: expect.stringMatching(/^fauve: --threads: expected a whole number from 1 to [^\n]+\n$/),
        });
      }),
    );
    await place.remove();
  });
});
