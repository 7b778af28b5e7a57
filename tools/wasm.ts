/** `npm run wasm`: assembles `src/optim/wasm/rows.wat` into `src/optim/wasm/rows.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import loadWabt from 'wabt';

const wabt = await loadWabt();
const module = wabt.parseWat('rows.wat', await readFile('src/optim/wasm/rows.wat', 'utf8'), {
  simd: true,
  bulk_memory: true,
});
const bytes = Buffer.from(module.toBinary({}).buffer).toString('base64');
await writeFile(
  'src/optim/wasm/rows.ts',
  `/** \`rows.wat\`, assembled by \`npm run wasm\`. */\nexport const rowsWasm =\n  '${bytes}';\n`,
);
