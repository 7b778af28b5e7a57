import { dirname, join } from 'node:path/posix';

/** One import of a file: what is imported, and whether only its types are. */
export interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** Which rooms a room of `src/` may import. */
const upstream: Readonly<Record<string, readonly string[]>> = {
  checks: [],
  graph: ['checks'],
  image: ['checks'],
  formats: ['checks'],
  onnx: ['checks', 'graph'],
  networks: ['checks', 'graph', 'formats'],
  losses: ['graph', 'networks'],
  optim: ['graph'],
  runtime: ['checks', 'graph', 'onnx'],
  styles: ['checks', 'graph', 'image', 'formats', 'networks', 'losses', 'runtime'],
  'style-network': ['checks', 'graph', 'image', 'formats', 'onnx', 'networks', 'runtime'],
  stylize: [
    ...['checks', 'graph', 'image', 'formats', 'onnx', 'networks', 'losses', 'optim', 'runtime', 'styles'],
    'style-network',
  ],
  training: [
    ...['checks', 'graph', 'image', 'formats', 'onnx', 'networks', 'losses', 'optim', 'runtime', 'styles'],
    ...['style-network', 'stylize'],
  ],
  report: ['checks'],
  jobs: [
    ...[
      'checks',
      'image',
      'formats',
      'networks',
      'runtime',
      'styles',
      'style-network',
      'stylize',
      'training',
      'report',
    ],
  ],
  platform: ['checks', 'runtime', 'image', 'formats', 'networks', 'onnx', 'styles', 'style-network', 'jobs'],
};

/** Which rooms it may import beside those, as types. */
const upstreamTypes: Readonly<Record<string, readonly string[]>> = {
  platform: ['stylize', 'training'],
};

/** Which rooms a room of `studio/src/` may import; what lies beside the rooms, all of them may. */
const upstreamInStudio: Readonly<Record<string, readonly string[]>> = {
  worker: [],
  state: ['worker'],
  // The lab is loaded when it is opened, into the view.
  view: ['state', 'worker', 'lab'],
  lab: ['state', 'worker', 'view'],
  offline: [],
};

/** What every room may import. */
const everybodys = /^src\/(errors\.js$|checks\/)/;

/** Folders that use the library as everybody does, by the package's name, and what of the project they import beside it. */
const outside: Readonly<Record<string, readonly string[]>> = {
  'cli/': ['#server/server.js'],
  'server/': [],
  'studio/src/': [],
};

/** What there is in a browser only with a replacement: the platform's business. */
const ofNode = /^(node:.*|sharp|onnxruntime-node)$/;

/** A file of 400 lines holds two ideas. */
const longest = 400;

/** The imports and re-exports of a TypeScript file, static and dynamic. */
export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const fromClauses = code.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const calls = code.matchAll(/\bimport\s*\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...fromClauses].map(([, type, from]) => ({ from: from!, typeOnly: type !== undefined })),
    ...[...calls].map(([, from]) => ({ from: from!, typeOnly: false })),
  ];
}

/** What a door leads to: files of the project and packages, at run time. */
export interface Reach {
  readonly files: readonly string[];
  /** Once each, with a file that imports it. */
  readonly packages: readonly { readonly from: string; readonly by: string }[];
}

/**
 * Follows the imports of a file, static and dynamic, but for those of types.
 * @param read the text of a file, by its path from the root of the project
 */
export function reachable(start: string, read: (path: string) => string): Reach {
  const files = new Set([start]);
  const packages = new Map<string, string>();
  // A set may grow while it is walked.
  for (const path of files) {
    for (const { from, typeOnly } of importsOf(read(path))) {
      if (typeOnly) continue;
      const file = target(path, from);
      if (file) files.add(file.replace(/\.js$/, '.ts'));
      else if (!packages.has(from)) packages.set(from, path);
    }
  }
  return {
    files: [...files],
    packages: [...packages].map(([from, by]) => ({ from, by })).sort((a, b) => (a.from < b.from ? -1 : 1)),
  };
}

/**
 * What a file of the project does that the rooms forbid, one sentence each; empty when all is well.
 * @param path from the root of the project, with forward slashes: `src/onnx/model.ts`, `cli/main.ts`
 * @param source the text of the file
 */
export function violations(path: string, source: string): string[] {
  const found = importsOf(source).flatMap((imported) => {
    const folder = Object.keys(outside).find((each) => path.startsWith(each));
    const problem = folder === undefined ? roomProblem(path, imported) : outsideProblem(path, folder, imported);
    return problem ? [`${path}: '${imported.from}' ${problem}.`] : [];
  });
  const lines = source.trimEnd().split('\n').length;
  if (lines > longest) found.push(`${path} has ${lines} lines, at most ${longest} are allowed.`);
  return found;
}

function outsideProblem(path: string, folder: string, { from }: Import): string | undefined {
  if (!isOfThePackage(from) || outside[folder]?.includes(from)) return undefined;
  const file = target(path, from);
  if (!file?.startsWith(folder)) return `is not for ${folder}, which imports the package by its name`;
  return folder === 'studio/src/' ? studioProblem(path, file) : undefined;
}

function studioProblem(path: string, file: string): string | undefined {
  const roomIn = (each: string) => /^studio\/src\/([\w-]+)\//.exec(each)?.[1];
  const [room, other] = [roomIn(path), roomIn(file)];
  if (room === undefined || other === undefined || room === other || other === 'look') return undefined;
  return upstreamInStudio[room]?.includes(other) ? undefined : `is not upstream of ${room}`;
}

/** Files that others import by the package's name. */
const doors = /^src\/(index\.node|index\.browser|common|node|browser|files|jobs|pictures|training)\.ts$/;

function roomProblem(path: string, { from, typeOnly }: Import): string | undefined {
  const room = roomOf(path);
  const isDoor = doors.test(path);
  if (/^fauve(\/|$)/.test(from)) return 'goes out by a door and back in';
  if (!isOfThePackage(from)) {
    return ofNode.test(from) && !isDoor && room !== 'platform' ? 'is for the platform and the doors' : undefined;
  }
  const file = target(path, from);
  if (!file?.startsWith('src/')) return 'leads out of src';
  const other = roomOf(file);
  if (everybodys.test(file) || isDoor || (room !== undefined && other === room)) return undefined;
  if (room === undefined) return 'is imported by a file that is neither in a room nor a door';
  if (other !== undefined && upstream[room]?.includes(other)) return undefined;
  if (other !== undefined && upstreamTypes[room]?.includes(other)) {
    return typeOnly ? undefined : `may only be imported as types by ${room}`;
  }
  return `is not upstream of ${room}`;
}

/** Whether an import is of this package: a path or an alias of `package.json`. */
function isOfThePackage(from: string): boolean {
  return /^(\.|#|\/)/.test(from);
}

/** The path of a relative import from the root of the project; nothing for an alias. */
function target(path: string, from: string): string | undefined {
  return from.startsWith('.') ? join(dirname(path), from) : undefined;
}

function roomOf(path: string): string | undefined {
  return /^src\/([\w-]+)\//.exec(path)?.[1];
}
