import { styleText } from 'node:util';
import { type Command, Option } from 'commander';
import { FauveError, type JobResult, resolveStylizeOptions, runJob } from 'fauve';
import { defaultNetworkName, stylizeOptionSpecs } from 'fauve/jobs';
import { createNodeHost } from 'fauve/node';
import { addEngineFlags, type EngineValues, engineOf } from '../engine-flags.js';
import { type StyleArgument, styleOf } from '../inputs.js';
import { addOptionFlags, optionsOf } from '../option-flags.js';
import { note } from '../progress.js';
import { filesHeading, styleOption } from '../run-flags.js';

interface Values extends EngineValues {
  readonly content?: string;
  readonly style?: readonly StyleArgument[];
  readonly network?: string;
  readonly json?: true;
}

const examples = `
Examples:
  $ fauve losses --content photo.jpg --style starry-night.jpg out.png
  $ fauve losses --content photo.jpg --style wave.jpg photo.jpg --json   what the photo itself scores`;

/** `fauve losses`: what `stylize` minimises, of any picture, by layer. */
export function addLossesCommand(program: Command): void {
  const command = program
    .command('losses')
    .description('measure a picture as stylize does: content, style and total-variation loss, layer by layer')
    .argument('<generated>', 'the picture to measure')
    .addOption(
      new Option('-c, --content <image>', 'the picture that the content is compared with').helpGroup(filesHeading),
    )
    .addOption(styleOption('a painting, with its share when there are several (repeatable)'))
    .addOption(new Option('--json', 'print JSON').helpGroup(filesHeading))
    .addHelpText('after', examples)
    .action(measure);
  addOptionFlags(command, specs);
  addEngineFlags(command, defaultNetworkName);
}

/** What the losses are made of. */
const specs = stylizeOptionSpecs.filter(({ name, group }) => group === 'Losses' || name === 'colours');

async function measure(path: string, values: Values): Promise<void> {
  const { content, style = [], network = defaultNetworkName, json } = values;
  const options: object = optionsOf(values, specs, resolveStylizeOptions);
  const engine = engineOf(values);
  if (content === undefined)
    throw new FauveError('request', 'There is no content image. Name one: --content photo.jpg.');
  if (style.length === 0) throw new FauveError('request', 'There is no style image. Name one: --style painting.jpg.');
  await using host = createNodeHost({ engine: { ...engine, onNotice: note } });
  const pictures = { picture: { path }, content: { path: content }, styles: style.map(styleOf) };
  const onEvent = ({ message }: { readonly message: string }) => note(message);
  const report = await runJob<'losses'>({ kind: 'losses', ...pictures, network, options }, host, { onEvent });
  const rows = rowsOf(report);
  process.stdout.write(
    json ? `${JSON.stringify({ picture: path, ...report, terms: rows }, null, 2)}\n` : table(report, rows),
  );
}

interface Row {
  readonly name: string;
  readonly value: number;
  readonly weight: number;
  /** value · weight. */
  readonly weighted: number;
  /** Of the total, 0 to 1. */
  readonly share: number;
}

function rowsOf({ total, terms }: JobResult<'losses'>): Row[] {
  return terms.map((term) => {
    const weighted = term.value * term.weight;
    return { ...term, weighted, share: total > 0 ? weighted / total : 0 };
  });
}

function table({ total }: JobResult<'losses'>, rows: readonly Row[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const cells = [
    ['term', 'value', 'weight', 'weighted', 'share'],
    ...rows.map(({ name, value, weight, weighted, share }) => [
      name,
      numberText(value),
      numberText(weight),
      numberText(weighted),
      percent(share),
    ]),
    ['total', '', '', numberText(total), ''],
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]! + 2))).join(''),
  );
  return lines
    .map((line, i) => {
      const text = line.trimEnd();
      return `${i === 0 || i === lines.length - 1 ? styleText('bold', text, { stream: process.stdout }) : text}\n`;
    })
    .join('');
}

/** Four digits, without an exponent where there is room: `0.0123`, `12345`, `1.2e-9`. */
function numberText(value: number): string {
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-4 && size < 1e6) ? String(Number(value.toPrecision(4))) : value.toExponential(3);
}
