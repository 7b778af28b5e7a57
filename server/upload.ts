import { HTTPException } from 'hono/http-exception';

/** A file of a form. */
export interface UploadedFile {
  readonly bytes: Uint8Array;
}

/** What a request may hold. */
export interface UploadLimits {
  /** Bytes of the whole body. */
  readonly bytes: number;
  readonly files: number;
  /** Bytes of the field `job`. */
  readonly jobBytes: number;
}

export const defaultUploadLimits: UploadLimits = { bytes: 64 * 2 ** 20, files: 9, jobBytes: 16 * 2 ** 10 };

/** The parts of `POST api/jobs`. */
export interface Upload {
  readonly files: readonly UploadedFile[];
  /** JSON of a spec, not yet checked. */
  readonly job: string;
}

/** A boundary in the characters of RFC 2046, 5.1.1, and nothing beside it. */
const multipart = /^multipart\/form-data;\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+.-]{1,70}))\s*$/i;

/** The boundary of a form's parts. @throws HTTPException 415 for any other type of content */
export function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] = multipart.exec(contentType ?? '') ?? [];
  const boundary = quoted ?? plain;
  if (boundary !== undefined) return boundary;
  throw new HTTPException(415, {
    message: 'Expected multipart/form-data with a boundary: parts file and a part job. Send a form.',
  });
}

/**
 * Reads the parts of a form.
 * @param body the whole of it, within the limit
 * @throws HTTPException 400 for parts that are missing, unknown, of another kind or too many; 413 for one that is too large
 */
export async function readUpload(
  boundary: string,
  body: Uint8Array<ArrayBuffer>,
  limits: UploadLimits,
): Promise<Upload> {
  requireFewParts(boundary, body, limits.files + 1);
  const type = `multipart/form-data; boundary="${boundary}"`;
  const form = await new Response(body, { headers: { 'Content-Type': type } }).formData().catch(() => {
    throw new HTTPException(400, { message: 'The form is broken: its parts cannot be told apart. Send it again.' });
  });
  const known = ['file', 'job'];
  const unknown = [...form.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new HTTPException(400, {
      message: `There is no part ${JSON.stringify(unknown.slice(0, 40))}. Use ${known.join(', ')}.`,
    });
  }
  const files = await Promise.all(form.getAll('file').map(fileOf));
  const [job, ...moreJobs] = form.getAll('job');
  if (files.length === 0 || typeof job !== 'string' || moreJobs.length > 0) {
    throw new HTTPException(400, { message: 'Expected one text job and at least one file. Send each of them once.' });
  }
  if (files.length > limits.files) throw tooMany(limits.files + 1);
  const jobBytes = Buffer.byteLength(job);
  if (jobBytes > limits.jobBytes) {
    throw new HTTPException(413, {
      message: `The part job has ${jobBytes} bytes; at most ${limits.jobBytes} are taken. Name fewer options.`,
    });
  }
  return { files, job };
}

/** Before they are parsed: a million empty parts fit into a body. */
function requireFewParts(boundary: string, body: Uint8Array<ArrayBuffer>, most: number): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = `\r\n--${boundary}`;
  let found = 0;
  // The first delimiter has no line end before it; the closing one makes up for it.
  for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, at + delimiter.length)) {
    if (++found > most) throw tooMany(most);
  }
}

function tooMany(most: number): HTTPException {
  return new HTTPException(400, {
    message: `There are more than ${most} parts. Send one job and fewer files.`,
  });
}

async function fileOf(value: string | File): Promise<UploadedFile> {
  if (typeof value === 'string') {
    throw new HTTPException(400, { message: 'A part file is text. Send it with a file name.' });
  }
  return { bytes: new Uint8Array(await value.arrayBuffer()) };
}
