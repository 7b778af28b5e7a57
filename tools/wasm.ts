/** `npm run wasm`: assembles `src/optim/rows.wat` into `src/optim/rows-wasm.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import loadWabt from 'wabt';

const wabt = await loadWabt();
const module = wabt.parseWat('rows.wat', await readFile('src/optim/rows.wat', 'utf8'), {
  simd: true,
  bulk_memory: true,
});
const bytes = Buffer.from(module.toBinary({}).buffer).toString('base64');
await writeFile(
  'src/optim/rows-wasm.ts',
  `/** \`rows.wat\`, assembled by \`npm run wasm\`. */\nexport const rowsWasm =\n  '${bytes}';\n`,
);
