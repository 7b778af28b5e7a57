import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

const sources = (folder: string): string[] =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);

/** The code without its comments. */
const codeOf = (source: string) => source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/ .*$/gm, '');

/** Texts of the library that speak of the command line. */
const flags = (code: string): string[] =>
  (code.match(/['"`][^'"`\n]*['"`]/g) ?? []).filter((text) =>
    /(^|[\s`'"(])--[a-z]|\bfauve (stylize|apply|train|models|styles|studio|capture|texture|redo|losses|distil)\b/.test(
      text,
    ),
  );

/** Places that look into the message of an error, or change it, in place of its reason. */
const looksIntoMessages = (code: string): string[] =>
  code.match(
    /.*(?:\bmessage|messageOf\([^)]*\))\)?\.(?:replace|match|search|includes|startsWith|split)\(.*|.*\/[a-z]*\.(?:test|exec)\((?:\w+\.)?message\).*/g,
  ) ?? [];

/** What others say (Python, an operating system, an engine) comes as text alone. */
const borders = [
  // What made a network is written into its file.
  'src/jobs/kinds/distil.ts',
  // Commands of other programs.
  'src/style-network/mistaken.ts',
  // The schema's own words for what it expects.
  'src/checks/option-problem.ts',
  // Messages of ONNX Runtime, libvips and commander.
  ...['src/platform/node/native-engine.ts', 'src/platform/node/engine.ts', 'src/platform/node/codec.ts'],
  ...['src/platform/browser/engine.ts', 'src/runtime/engine-words.ts', 'cli/failure.ts'],
];

describe('errors are data', () => {
  it.each(sources('src').filter((file) => !borders.includes(file)))('%s names no flag', (file) => {
    expect(flags(codeOf(readFileSync(root + file, 'utf8')))).toEqual([]);
  });

  it.each(['src', 'cli', 'server', 'studio/src'].flatMap(sources).filter((file) => !borders.includes(file)))(
    '%s reads no message',
    (file) => {
      expect(looksIntoMessages(codeOf(readFileSync(root + file, 'utf8')))).toEqual([]);
    },
  );

  it('finds what it looks for', () => {
    expect(flags("throw new FauveError('request', 'Use --size 5.'); // --fine")).toHaveLength(1);
    expect(flags('const text = "Run fauve models pull x.";')).toHaveLength(1);
    expect(flags(codeOf("/** `--size` */ i--; // --no\nconst a = '-- b';"))).toEqual([]);
    for (const code of [
      'error.message.replace(/x/, y)',
      '/memory/.test(message)',
      '/a/i.test(error.message)',
      'messageOf(error).includes(x)',
    ]) {
      expect(looksIntoMessages(code)).toHaveLength(1);
    }
    expect(looksIntoMessages('console.log(error.message)')).toEqual([]);
  });
});
