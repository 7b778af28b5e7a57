/** `npm run figure:row -- LABEL=FILE … -o ROW.jpg`: pictures side by side, each above its label. */
import { parseArgs } from 'node:util';
import { readImage } from '#src/node.js';
import { type SheetPicture, writeContactSheet } from './contact-sheet.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', short: 'o' },
    /** Of the square that each picture fits into, in pixels. */
    side: { type: 'string', default: '256' },
  },
});
if (values.output === undefined || positionals.length === 0) {
  console.log('npm run figure:row -- LABEL=FILE … -o ROW.jpg [--side 256]');
  process.exit(2);
}
const pictures: SheetPicture[] = [];
for (const argument of positionals) {
  const [, label = '', file = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  pictures.push({ label, image: await readImage(file) });
}
await writeContactSheet(values.output, pictures, Number(values.side));
