import { basename } from 'node:path/posix';
import { type CompleteSpec, FauveError, type JobHost } from 'fauve';
import { sha256Hex } from 'fauve/files';
import { checkJob, decodeSpec, shippedNetworkNames } from 'fauve/jobs';
import type { Upload, UploadedFile } from './upload.js';

/** A job of the studio. Its files are bytes. */
export type StudioSpec = CompleteSpec<'stylize' | 'apply'>;

/**
 * The job that a request describes, checked as far as it can be without doing it.
 * @throws FauveError `usage` that names what is wrong, `system` or `input` when there is no network for it
 */
export async function specOf({ job, files }: Upload, host: JobHost): Promise<StudioSpec> {
  const spec = decodeSpec(job);
  if (spec.kind !== 'stylize' && spec.kind !== 'apply') {
    throw new FauveError('request', `The kind of a job is stylize or apply here; received ${spec.kind}.`);
  }
  // What is not installed would be told with its place on this disk.
  if (spec.kind === 'stylize' && !shippedNetworkNames.includes(spec.network)) {
    throw new FauveError('request', `The loss network is one of ${shippedNetworkNames.join(', ')} here.`);
  }
  const complete = await withBytes(spec, files);
  await checkJob(complete, host);
  return complete;
}

/** The same job with the files of the form in place of their checksums. No text of a request becomes a path. */
async function withBytes(spec: StudioSpec, files: readonly UploadedFile[]): Promise<StudioSpec> {
  const sent = new Map<string, UploadedFile>();
  for (const file of files) sent.set(await sha256Hex(file.bytes), file);
  const unused = new Set(sent.keys());
  const file = <Reference extends object>(reference: Reference): Reference => {
    if ('shipped' in reference) return reference;
    const { sha256, name, ...others } = reference as { readonly sha256?: string; readonly name?: string };
    const part = sent.get(sha256 ?? '');
    if (sha256 === undefined || name === undefined) {
      throw new FauveError('request', 'A file of a job is { name, sha256 } here, and sent as a part file.');
    }
    if (!part) throw new FauveError('request', `The file ${cleanName(name)} was not sent. Send it as a part file.`);
    unused.delete(sha256);
    return { ...others, name: cleanName(name), bytes: part.bytes } as unknown as Reference;
  };
  const complete: StudioSpec =
    spec.kind === 'apply'
      ? { ...spec, content: file(spec.content), network: file(spec.network) }
      : { ...spec, content: file(spec.content), styles: spec.styles.map(file), init: spec.init && file(spec.init) };
  if (unused.size === 0) return complete;
  throw new FauveError('request', `The job names ${sent.size - unused.size} of the ${sent.size} files that were sent.`);
}

/** Names that are longer are cut: a disk takes 255 bytes. */
const LONGEST_NAME = 100;

/** The last part of a file's name, in characters that can be shown. */
function cleanName(name: string): string {
  const base = basename(name.replaceAll('\\', '/')).replace(/\p{C}/gu, '').trim();
  return base === '' || base === '.' || base === '..' ? 'picture' : [...base].slice(-LONGEST_NAME).join('');
}
