import { FauveError, listStyles, resolveApplyOptions, resolveStylizeOptions, styleShares } from 'fauve';
import { z } from 'zod';
import type { Engine } from './engine.js';
import { instantWork } from './instant.js';
import type { Work } from './job.js';
import { paintWork } from './paint.js';
import type { UploadedFile } from './pictures.js';
import type { Upload } from './upload.js';

const weight = z.number().positive().max(1e9).default(1);
const schema = z.strictObject({
  kind: z.enum(['instant', 'paint']),
  /** Styles by name, or the files of the form, counted from 0. */
  styles: z
    .array(
      z.union([
        z.strictObject({ name: z.string().max(100), weight }),
        z.strictObject({ file: z.number().int().min(0), weight }),
      ]),
    )
    .max(40)
    .default([]),
  options: z.record(z.string(), z.unknown()).default({}),
});

type JobDescription = z.infer<typeof schema>;

/**
 * The work that a request asks for, checked as far as it can be without doing it.
 * @throws FauveError `usage` that names what is wrong, `system` or `input` when there is no network for it
 */
export async function workOf({ photo, styles: files, job }: Upload, engine: Engine): Promise<Work> {
  const description = parse(job);
  const { kind, styles, options } = description;
  if (kind === 'instant') {
    const resolved = resolveApplyOptions(options);
    const names = styles.map((style) => {
      if ('name' in style) return style;
      throw new FauveError(
        'usage',
        'instant knows the styles of its network only, received a picture. Use paint for a picture as a style.',
      );
    });
    const { styles: known, fileName } = await engine.network();
    styleShares(known, names, fileName);
    return restarting(instantWork({ photo, styles: names, options: resolved }, engine), engine);
  }
  const resolved = resolveStylizeOptions(options);
  if (styles.length === 0) throw new FauveError('usage', 'There is no style. Choose at least one.');
  return restarting(
    paintWork({ photo, styles: await paintStyles(description, files), options: resolved }, engine),
    engine,
  );
}

async function paintStyles({ styles }: JobDescription, files: readonly UploadedFile[]) {
  const shipped = await shippedStyles();
  return styles.map((style) => {
    const { weight } = style;
    if ('file' in style) {
      const file = files[style.file];
      if (file) return { from: file, weight };
      throw new FauveError(
        'usage',
        `The style file ${style.file} was not sent: there are ${files.length}, counted from 0. Send it as a part style.`,
      );
    }
    // The name that is used is our own: no text of a request becomes part of a path.
    const name = shipped.find((each) => each === style.name);
    if (name !== undefined) return { from: name, weight };
    throw new FauveError('usage', `There is no style ${JSON.stringify(style.name)}. Use one of ${shipped.join(', ')}.`);
  });
}

let names: Promise<readonly string[]> | undefined;

/** Names of the styles that come with Fauve. */
function shippedStyles(): Promise<readonly string[]> {
  names ??= listStyles().then((styles) => styles.map(({ name }) => name));
  return names;
}

function parse(job: string): JobDescription {
  let value: unknown;
  try {
    value = JSON.parse(job);
  } catch (error) {
    throw new FauveError(
      'usage',
      'The part job is not JSON. Expected {"kind": "paint", "styles": […], "options": {…}}.',
      {
        cause: error,
      },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const where = issue.path.length > 0 ? issue.path.join('.') : 'the whole';
  throw new FauveError(
    'usage',
    `The part job is not as expected, at ${where}: ${issue.message}. Expected {"kind": "instant" or "paint", "styles": [{"name": "starry-night", "weight": 1}, {"file": 0, "weight": 1}], "options": {…}}.`,
  );
}

/** Work after whose failure the engine is started afresh: it may have been the reason, and it holds memory. */
function restarting(work: Work, engine: Engine): Work {
  return async (report, signal) => {
    try {
      return await work(report, signal);
    } catch (error) {
      const harmless = signal.aborted || (error instanceof FauveError && error.code !== 'system');
      if (!harmless) await engine.close();
      throw error;
    }
  };
}
