import { z } from 'zod';

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

const styleNetworkSchema = z.object({
  ...file,
  /** Names of the styles that it knows. */
  styles: z.array(z.string()),
});

/** A loss network that comes with Fauve, as `models/manifest.json` has it. */
export type ShippedNetwork = Readonly<z.infer<typeof networkSchema>> & { readonly name: string };

/** A trained style network that comes with Fauve, as `models/manifest.json` has it. */
export type ShippedStyleNetwork = Readonly<z.infer<typeof styleNetworkSchema>> & { readonly name: string };

/** The parts of `models/manifest.json`: name → what is said of it. */
export type ManifestSection = 'networks' | 'transformers';

/** A part of a manifest that was read as JSON; `undefined` where there is none. */
export function manifestSection(
  manifest: unknown,
  section: ManifestSection,
): Readonly<Record<string, unknown>> | undefined {
  const parsed = z.object({ [section]: z.record(z.string(), z.unknown()) }).safeParse(manifest);
  return parsed.success ? parsed.data[section] : undefined;
}

/** An entry of `networks`; `undefined` where it is not complete. */
export function networkEntry(name: string, entry: unknown): ShippedNetwork | undefined {
  const parsed = networkSchema.safeParse(entry);
  return parsed.success ? { ...parsed.data, name } : undefined;
}

/** An entry of `transformers`; `undefined` where it is not complete. */
export function styleNetworkEntry(name: string, entry: unknown): ShippedStyleNetwork | undefined {
  const parsed = styleNetworkSchema.safeParse(entry);
  return parsed.success ? { ...parsed.data, name } : undefined;
}
