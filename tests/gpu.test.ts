import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** A Python with PyTorch: the system's one, where another comes first. */
const python3 = ['python3', '/usr/bin/python3'].find(
  (path) => spawnSync(path, ['-c', 'import torch, numpy']).status === 0,
);
const skipped = python3 ? '' : ' (skipped: no python3 with torch here)';

describe.skipIf(skipped)(`the scripts for a GPU${skipped}`, () => {
  it('train a style network as the oracle says', () => {
    const script = fileURLToPath(new URL('../gpu/check_oracle.py', import.meta.url));
    // -B: leaves no compiled files behind.
    const { status, stdout, stderr } = spawnSync(python3!, ['-B', script], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(2);
  });
});
