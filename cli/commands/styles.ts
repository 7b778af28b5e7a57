import { styleText } from 'node:util';
import { type Command, Option } from 'commander';
import type { ShippedStyle } from 'fauve';
import { checkWritable, listStyles, styleSheet, writeFileAtomically } from 'fauve/node';
import { outputFormat } from 'fauve/pictures';

interface Values {
  readonly json?: true;
  readonly sheet?: string;
  readonly overwrite?: true;
}

const examples = `
Examples:
  $ fauve styles
  $ fauve styles --sheet styles.png                          all swatches as one picture
  $ fauve stylize photo.jpg --style starry-night -o out.png`;

/** `fauve styles`: what comes with Fauve. */
export function addStylesCommand(program: Command): void {
  program
    .command('styles')
    .description('list the styles that come with Fauve')
    .addOption(new Option('--json', 'print JSON'))
    .addOption(new Option('--sheet <file>', 'draw them as one picture: .png, .jpg, .webp or .tif'))
    .addOption(new Option('--overwrite', 'replace an existing picture'))
    .addHelpText('after', examples)
    .action(async ({ json, sheet, overwrite }: Values) => {
      if (sheet !== undefined) {
        const format = outputFormat(sheet);
        await checkWritable(sheet, { overwrite: overwrite === true });
        await writeFileAtomically(sheet, await styleSheet(await listStyles(), format));
        process.stderr.write(`${styleText('bold', sheet, { stream: process.stderr })}\n`);
        if (!json) return;
      }
      const styles = await listStyles();
      process.stdout.write(json ? `${JSON.stringify(styles, null, 2)}\n` : table(styles));
    });
}

function table(styles: readonly ShippedStyle[]): string {
  const rows = styles.map(({ name, title, artist, year }) => [name, title, artist, year === null ? '' : String(year)]);
  const cells = [['name', 'title', 'artist', 'year'], ...rows];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => [...row[column]!].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell + ' '.repeat(widths[i]! - [...cell].length))
      .join('  ')
      .trimEnd();
  const [head, ...body] = cells.map(line);
  return [styleText('bold', head!, { stream: process.stdout }), ...body].map((text) => `${text}\n`).join('');
}
