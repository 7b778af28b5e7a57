import { describe, expect, it } from 'vitest';
import { requireSameOptions } from '#src/jobs/same-options.js';
import { defaultStylizeOptions } from '#src/stylize/options.js';

describe('options beside a checkpoint', () => {
  it('are those of the interrupted job, layers in any order', () => {
    const interrupted = { ...defaultStylizeOptions, styleLayers: { relu1_1: 1, relu2_1: 2 } };
    expect(() => requireSameOptions({ styleLayers: { relu2_1: 2, relu1_1: 1 }, seed: 0 }, interrupted)).not.toThrow();
    expect(() => requireSameOptions({ styleLayers: { relu1_1: 1 } }, interrupted)).toThrow(
      'The option styleLayers of the interrupted job is relu1_1,relu2_1:2; received relu1_1.',
    );
  });
});
