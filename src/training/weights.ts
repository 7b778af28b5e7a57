import type { WeightTensor } from '../formats/tensor.js';
import { type Shape, sizeOf } from '../graph/tensor.js';
import { averageCorrection } from '../optim/adam.js';
import type { Session, Values } from '../runtime/runtime.js';

/** The session's state at step 0: the optimiser's zeros, and the weights that are trained. */
export function initialState(
  { model }: Session,
  zeros: readonly string[],
  trained: ReadonlyMap<string, WeightTensor>,
): Values {
  return Object.fromEntries([
    ...zeros.map((name) => [name, new Float32Array(sizeOf(model.inputs[name]!))] as const),
    ...[...trained].map(([name, { data }]) => [name, data] as const),
  ]);
}

/**
 * The weights that a run which ended now would keep: their moving averages where there are any.
 * @param step steps that are done; before the first there is no average
 */
export async function weightsAt(
  session: Session,
  trained: ReadonlyMap<string, { readonly shape: Shape }>,
  step: number,
  averageDecay: number,
): Promise<Map<string, WeightTensor>> {
  const averaged = averageDecay > 0 && step > 0;
  const nameOf = (name: string) => (averaged ? `${name} average` : name);
  const values = await session.read([...trained.keys()].map(nameOf));
  const factor = averaged ? averageCorrection(step, averageDecay) : 1;
  return new Map(
    [...trained].map(([name, { shape }]) => [
      name,
      { shape, data: values[nameOf(name)]!.map((value) => value * factor) },
    ]),
  );
}
