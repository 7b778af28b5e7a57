import { z } from 'zod';
import { FauveError } from '../errors.js';

const file = {
  /** In the folder of the manifest. */
  file: z.string().regex(/^[\w.-]+$/),
  bytes: z.int().positive(),
  /** SHA-256 (hex) of the file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  licence: z.string(),
  /** Whose work it builds on, in words. */
  attribution: z.string(),
  /** How it was made: the command. */
  made: z.string(),
};

const networkSchema = z.object({
  ...file,
  /** The network whose features it reproduces. */
  teacher: z.string(),
});

const transformerSchema = z.object({
  ...file,
  /** Names of the styles that it knows. */
  styles: z.array(z.string()),
});

const manifestSchema = z.object({
  networks: z.record(z.string(), networkSchema),
  transformers: z.record(z.string(), transformerSchema).default({}),
});

/** A loss network that comes with Fauve, as `models/manifest.json` has it. */
export type ShippedNetwork = Readonly<z.infer<typeof networkSchema>> & { readonly name: string };

/** A trained image transformer network that comes with Fauve, as `models/manifest.json` has it. */
export type ShippedTransformer = Readonly<z.infer<typeof transformerSchema>> & { readonly name: string };

/** What `models/manifest.json` lists. */
export interface Manifest {
  readonly networks: readonly ShippedNetwork[];
  readonly transformers: readonly ShippedTransformer[];
}

/**
 * Reads the manifest of the networks that come with Fauve.
 * @param json the parsed file
 * @param place where it is from, for the error
 * @throws FauveError `system` when it is not one
 */
export function parseManifest(json: unknown, place: string): Manifest {
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new FauveError(
      'system',
      `${place} is no manifest of networks: ${path.join('.') || 'the whole'}: ${message}. Get the files of Fauve again.`,
    );
  }
  const named = <T extends object>(section: Readonly<Record<string, T>>) =>
    Object.entries(section).map(([name, entry]) => ({ ...entry, name }));
  return { networks: named(parsed.data.networks), transformers: named(parsed.data.transformers) };
}
