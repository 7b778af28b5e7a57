/** `npm run figures [-- NAME …]`: makes the pictures and curves of `docs/method/` again, all of them or those that are named. */
import { fileURLToPath } from 'node:url';
import { startEngine } from 'fauve/node';
import { openBench } from './bench.js';
import { figures } from './figures.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(figures);
const runtime = await startEngine();
try {
  const bench = await openBench(runtime, root);
  for (const name of names) {
    const make = figures[name];
    if (!make) throw new Error(`There is no figure ${name}. There are ${Object.keys(figures).join(', ')}.`);
    console.log(name);
    await make(bench, `${root}docs/method/images/${name}`);
  }
} finally {
  await runtime.close();
}
