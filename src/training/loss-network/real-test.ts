import type { WeightTensor } from '../../formats/tensor.js';
import { quantise } from '../../image/quantise.js';
import { fitLongerSide, resizeImage } from '../../image/resize.js';
import type { NetworkWeights } from '../../networks/network.js';
import { measureLosses } from '../../stylize/measure-losses.js';
import { stylize } from '../../stylize/stylize.js';
import type { DistilTest } from './checkpoint.js';
import type { DistillationRun } from './run.js';

/** What the teacher says of the photo itself and of its own picture. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly teacher: number;
}

/** Makes the teacher's own pictures, once; a resumed run knows them from its first test. */
export async function teacherReferences(run: DistillationRun, before: DistilTest | undefined): Promise<Reference[]> {
  if (before && before.pairs.length === run.tests.length) return [...before.pairs];
  const references: Reference[] = [];
  for (const { name, content } of run.tests) {
    const start = await judge(run, name, content);
    references.push({
      name,
      start,
      teacher: await judge(run, name, await made(run, name, run.teacher)),
    });
  }
  return references;
}

/** Optimises each pair with the student and asks the teacher what it thinks of the result. */
export async function realTest(
  run: DistillationRun,
  references: readonly Reference[],
  step: number,
  tensors: ReadonlyMap<string, WeightTensor>,
): Promise<DistilTest> {
  const { teacher, options } = run;
  const weights: NetworkWeights = {
    name: options.name,
    tensors,
    preprocessing: teacher.preprocessing,
    sha256: `step ${step}`,
  };
  const pairs: DistilTest['pairs'][number][] = [];
  for (const reference of references) {
    const picture = await made(run, reference.name, weights);
    pairs.push({ ...reference, student: await judge(run, reference.name, picture) });
  }
  const logs = pairs.map(({ start, student, teacher }) =>
    Math.log(Math.max(1e-6, (start - student) / (start - teacher))),
  );
  return { step, pairs, share: Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length) };
}

type Picture = Parameters<typeof resizeImage>[0];

async function made(run: DistillationRun, name: string, weights: NetworkWeights): Promise<Picture> {
  const { options } = run;
  const { content, style } = pairNamed(run, name);
  const { image } = await stylize({
    content,
    styles: [{ image: style, weight: 1 }],
    weights,
    runtime: run.runtime,
    options: { size: options.testSize, scales: 1, steps: options.testSteps },
  });
  return image;
}

/** The teacher's loss of a picture with 8 bits, without the total variation. */
async function judge(run: DistillationRun, name: string, picture: Picture): Promise<number> {
  const { options } = run;
  const { content, style } = pairNamed(run, name);
  const { width, height } = fitLongerSide(content.width, content.height, options.testSize);
  const { total } = await measureLosses({
    content,
    styles: [{ image: style, weight: 1 }],
    generated: quantise(resizeImage(picture, width, height)),
    weights: run.teacher,
    runtime: run.runtime,
    options: { tvWeight: 0 },
  });
  return total;
}

const pairNamed = ({ tests }: DistillationRun, name: string) => tests.find((pair) => pair.name === name)!;
