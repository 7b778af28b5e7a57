import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { FauveError } from 'fauve';
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { getMimeType } from 'hono/utils/mime';

/** Where the files are. */
export interface StudioFolders {
  /** The built page. */
  readonly page: string;
  /** What comes with Fauve: networks and styles. */
  readonly models: string;
  /** The `dist` of onnxruntime-web. */
  readonly ort: string;
}

/** Path of a request → file. Made once: no request says where to look. */
export type ServedFiles = ReadonlyMap<string, string>;

/** What the page loads of onnxruntime-web: the engine itself, in its kinds. */
const ortFiles = ['', '.asyncify', '.jsep', '.jspi'].flatMap((kind) =>
  ['mjs', 'wasm'].map((extension) => `ort-wasm-simd-threaded${kind}.${extension}`),
);

/** @throws FauveError `system` when the page is not built */
export async function listServedFiles({ page, models, ort }: StudioFolders): Promise<ServedFiles> {
  const [pageFiles, modelFiles, ortFound] = await Promise.all([filesBelow(page), filesBelow(models), filesBelow(ort)]);
  if (!pageFiles.includes('index.html')) {
    throw new FauveError(
      'machine',
      `The page of the studio is not there: ${join(page, 'index.html')} does not exist. In a clone, build it with npm run build; otherwise install Fauve again.`,
    );
  }
  const files = new Map<string, string>();
  for (const name of pageFiles) files.set(`/${name}`, join(page, name));
  files.set('/', join(page, 'index.html'));
  for (const name of modelFiles) files.set(`/models/${name}`, join(models, name));
  for (const name of ortFiles.filter((each) => ortFound.includes(each))) files.set(`/ort/${name}`, join(ort, name));
  return files;
}

/** Answers with a file where there is one of the request's path. The browser asks each time whether it has changed (ETag). */
export function serveFiles(files: ServedFiles): MiddlewareHandler {
  return async (c, next) => {
    const file = files.get(c.req.path);
    if (file === undefined) return next();
    const { method } = c.req;
    if (method !== 'GET' && method !== 'HEAD') {
      return c.json({ message: `${method} is not for files. Use GET.` }, 405, { Allow: 'GET, HEAD' });
    }
    try {
      const { size, mtimeMs } = await stat(file);
      const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
      const about = { 'Cache-Control': 'no-cache', ETag: etag };
      if (matches(c.req.header('If-None-Match'), etag)) return c.body(null, 304, about);
      const type = { 'Content-Type': getMimeType(file) ?? 'application/octet-stream' };
      if (method === 'HEAD') return c.body(null, 200, { ...about, ...type, 'Content-Length': String(size) });
      const { buffer, byteOffset, byteLength } = await readFile(file);
      return c.body(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength), 200, { ...about, ...type });
    } catch (cause) {
      const message = 'This file was there when the server started and cannot be read now. Start fauve studio again.';
      throw new HTTPException(500, { message, cause });
    }
  };
}

function matches(asked: string | undefined, etag: string): boolean {
  const tags = asked?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** Names of the files of a folder and those below it, with forward slashes; none where there is no folder. Links are not followed. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
}
