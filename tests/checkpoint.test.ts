import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FauveError } from '#src/errors.js';
import { readSafetensors, writeSafetensors } from '#src/formats/safetensors.js';
import type { Runtime } from '#src/runtime/runtime.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '#src/stylize/checkpoint.js';
import { resolveStylizeOptions, type StylizeOptionsInput } from '#src/stylize/options.js';
import { StylizeAborted, type StylizeResult } from '#src/stylize/stylize.js';
import { random } from './support/random.js';
import { openEngine, type Restyling, restyle, scene, tinyWeights } from './support/restyling.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openEngine();
});
afterAll(() => runtime.close());

const checkpoint: Checkpoint = {
  options: resolveStylizeOptions({ optimiser: 'adam', size: '5x4' }),
  fingerprint: 'f00d',
  width: 5,
  height: 4,
  scale: 1,
  scaleStep: 3,
  seconds: 1.25,
  history: [{ step: 1, scale: 0, loss: 0.1 + 0.2, terms: { 'style relu1_1': 1 / 3 } }],
  state: {
    arrays: { image: random(91).uniform([3, 4, 5]), 'image first moment': Float32Array.of(1e-45, -0, 3e38) },
    numbers: { step: 3, factor: 0.5 },
  },
};

describe('a checkpoint file', () => {
  it('gives back what was put in, to the last bit', () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  it('is refused when it is damaged, or no checkpoint, by its name', () => {
    const bytes = encodeCheckpoint(checkpoint);
    const refusal = (file: Uint8Array) => {
      try {
        decodeCheckpoint(file, 'run.fauve');
      } catch (error) {
        if (!(error instanceof FauveError)) throw error;
        return `${error.code}: ${error.message}`;
      }
      return 'nothing';
    };
    const remedy = /^input: .*run\.fauve .*\. Delete it and start again\.$/;
    expect(refusal(bytes.slice(0, -1))).toMatch(remedy);
    expect(refusal(new Uint8Array(0))).toMatch(remedy);
    const { tensors, metadata } = readSafetensors(bytes, 'run.fauve');
    const rewritten = (change: Record<string, string>) => writeSafetensors(tensors, { ...metadata, ...change });
    expect(refusal(rewritten({}))).toBe('nothing');
    expect(refusal(rewritten({ format: 'fauve-checkpoint-99' }))).toMatch(
      /^input: run\.fauve is not a checkpoint of this/,
    );
    expect(refusal(rewritten({ run: '{"seconds":1}' }))).toMatch(/^input: run\.fauve is damaged/);
    expect(refusal(rewritten({ options: '{"steps":-1}' }))).toMatch(/^input: run\.fauve is damaged/);
    expect(refusal(rewritten({ options: '{' }))).toMatch(remedy);
  });

  it('of an earlier Fauve goes on with the sizes that it had', () => {
    const { tensors, metadata } = readSafetensors(encodeCheckpoint(checkpoint), 'run.fauve');
    const earlier = (scales: number) => {
      const options = JSON.stringify({ ...checkpoint.options, scales });
      return decodeCheckpoint(writeSafetensors(tensors, { ...metadata, format: 'fauve-checkpoint-1', options }))
        .options;
    };
    expect([earlier(2).scales, earlier(3).scales]).toEqual(['auto', 1]);
  });
});

/** A picture that is worked on at 96×96 and at 192×192, the smallest sizes of which there are two; few layers take little time. */
const content = scene(192, 192, 1);
const twoScales: StylizeOptionsInput = {
  ...{ size: 192, scales: 2, coarseSteps: 2, steps: 3, init: 'noise' },
  ...{ contentLayers: { relu2_1: 1 }, styleLayers: { relu1_1: 1, relu2_1: 1 } },
};

/** Runs to the end, and keeps the checkpoint file of each step. */
async function runThrough(given: Restyling): Promise<{ whole: StylizeResult; files: Uint8Array[] }> {
  const files: Uint8Array[] = [];
  const whole = await restyle(runtime, {
    ...given,
    onProgress: async (event) => {
      if (event.type === 'step') files.push(encodeCheckpoint(await event.checkpoint()));
    },
  });
  return { whole, files };
}

function expectSame(received: StylizeResult, { image, history, loss, terms, options }: StylizeResult): void {
  expect(received.image.data).toEqual(image.data);
  expect(received.history).toEqual(history);
  expect([received.loss, received.terms, received.options]).toEqual([loss, terms, options]);
}

describe.each<[string, StylizeOptionsInput]>([
  ['L-BFGS', { history: 2 }],
  ['L-BFGS from noise', { init: 'noise', seed: 5 }],
  ['Adam with AMSGrad and an average', { optimiser: 'adam', amsgrad: true, averageDecay: 0.8 }],
  ['Adam that goes back to a good image', { optimiser: 'adam', learningRate: 10 }],
])('%s', (_, own) => {
  const given = { content, options: { ...twoScales, ...own } };
  let whole: StylizeResult;
  let files: Uint8Array[];
  beforeAll(async () => {
    ({ whole, files } = await runThrough(given));
  });

  // Within the first scale, at its end, and within the second.
  it.each([1, 2, 4])('goes on from step %i to the very same picture', async (step) => {
    const resume = decodeCheckpoint(files[step - 1]!);
    expect([resume.scale, resume.scaleStep]).toEqual(step <= 2 ? [0, step] : [1, step - 2]);
    expect(resume.history).toEqual(whole.history.slice(0, step));
    // The options are the checkpoint's.
    expectSame(await restyle(runtime, { content, options: { steps: 1 }, resume }), whole);
  });

  it('is written again from its end, without another step and without the memory of the optimiser', async () => {
    const resume = decodeCheckpoint(encodeCheckpoint(whole.checkpoint));
    expect(Object.keys(resume.state.arrays)).toEqual(['image']);
    expectSame(
      await restyle(runtime, {
        ...{ content, resume },
        onProgress: ({ type }) => expect(type).not.toBe('step'),
      }),
      whole,
    );
  });

  it('goes on after it was stopped at steps 1, 2 and 4, one after the other', async () => {
    let resume: Checkpoint | undefined;
    for (const last of [1, 2, 4]) {
      const stop = new AbortController();
      const stopped = await restyle(runtime, {
        ...(resume ? { content, resume } : given),
        signal: stop.signal,
        onProgress: (event) => {
          if (event.type === 'step' && event.step === last) stop.abort();
        },
      }).catch((error: unknown) => error);
      if (!(stopped instanceof StylizeAborted)) throw new Error(`expected StylizeAborted, received ${stopped}`);
      expect([stopped.code, stopped.steps, stopped.checkpoint.history.length]).toEqual(['aborted', last, last]);
      const side = last < 2 ? 96 : 192;
      expect([stopped.image.width, stopped.image.height]).toEqual([side, side]);
      resume = decodeCheckpoint(encodeCheckpoint(stopped.checkpoint));
    }
    expectSame(await restyle(runtime, { content, resume: resume! }), whole);
  });
});

it('keeps what the preconditioner of L-BFGS has learnt', async () => {
  // It is believed after ten steps.
  const { whole, files } = await runThrough({ options: { steps: 16 } });
  const resume = decodeCheckpoint(files[12]!);
  expect(resume.state.numbers.pairs).toBeGreaterThan(10);
  expectSame(await restyle(runtime, { resume }), whole);
  const forgetful = { ...resume, state: { ...resume.state, numbers: {} } };
  expect((await restyle(runtime, { resume: forgetful })).image.data).not.toEqual(whole.image.data);
});

describe('a checkpoint of something else', () => {
  it('is refused: other content, style, weight, start or network', async () => {
    const { files } = await runThrough({ options: { steps: 1 } });
    const resume = decodeCheckpoint(files[0]!);
    const other = scene(64, 48, 9);
    const style = scene(56, 60, 2);
    for (const given of [
      { content: other },
      { styles: [{ image: other, weight: 1 }] },
      { styles: [{ image: style, weight: 2 }] },
      {
        styles: [
          { image: style, weight: 1 },
          { image: other, weight: 1 },
        ],
      },
      { init: other },
      { weights: { ...tinyWeights, sha256: 'f'.repeat(64) } },
    ]) {
      await expect(restyle(runtime, { ...given, resume })).rejects.toThrow(/is of other pictures, styles or weights/);
    }
    await expect(restyle(runtime, { resume })).resolves.toHaveProperty('history.length', 1);
  });
});

it('goes on from the end of a scale that had nothing left to do, without doing it again', async () => {
  const options: StylizeOptionsInput = { styleWeight: 0, tvWeight: 0, steps: 5 };
  const { whole, files } = await runThrough({ options });
  expect(whole.history).toHaveLength(1);
  expectSame(await restyle(runtime, { resume: decodeCheckpoint(files[0]!) }), whole);
});
