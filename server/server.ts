import { once } from 'node:events';
import type { Server, ServerOptions } from 'node:http';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { FauveError, type QueueLimits, type StyleNetworkFile } from 'fauve';
import { createJobQueue, defaultQueueLimits } from 'fauve/jobs';
import { checkEngineOptions, inPackage, type StartEngineOptions } from 'fauve/node';
import { createApp } from './app.js';
import type { JobPicture, StepProgress } from './events.js';
import { createServerHost } from './host.js';
import { listServedFiles, type StudioFolders } from './served-files.js';
import { defaultUploadLimits, type UploadLimits } from './upload.js';

export type { JobEvent, ProgressData } from './events.js';
export type { StudioFolders } from './served-files.js';
export type { UploadLimits } from './upload.js';

export interface StudioOptions {
  /** Without it {@link preferredPort}, or any free one where that is taken. */
  readonly port?: number;
  readonly engine?: StartEngineOptions;
  /** Those that are left out are of this installation. */
  readonly folders?: Partial<StudioFolders>;
  /** Reads the style network of `apply`: by default the one that comes with Fauve. */
  readonly loadNetwork?: () => Promise<StyleNetworkFile>;
  readonly queue?: QueueLimits;
  readonly upload?: UploadLimits;
  /** Milliseconds between the comments that keep a stream of events alive; 15 seconds by default. */
  readonly keepAlive?: number;
  /** Is told of errors that nobody expected; the page is not. */
  readonly log?: (error: unknown) => void;
}

/** A studio that is open. */
export interface Studio {
  readonly port: number;
  /** Of the page: `http://127.0.0.1:1905/`. */
  readonly url: string;
  /** Cancels the jobs, ends all connections and the engine. */
  close(): Promise<void>;
}

/**
 * The year of the Woman with a Hat. A browser keeps what it has loaded (the engine, the settings) by address: with another port each
 * time it would load and keep it all again.
 */
export const preferredPort = 1905;

const address = '127.0.0.1';

/** Nobody who sends slowly, or opens connections without using them, keeps others out. */
const patience = {
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} satisfies ServerOptions;
const MOST_CONNECTIONS = 100;

/** Milliseconds that open connections have to end, once the jobs have. */
const GRACE = 500;

/**
 * Starts the studio's server, for this computer only.
 * @throws FauveError `usage` for more threads than cores, `system` when the page is not built, or the port is taken or not allowed
 */
export async function startStudio(options: StudioOptions = {}): Promise<Studio> {
  const { log = () => {} } = options;
  checkEngineOptions(options.engine ?? {});
  const files = await listServedFiles({ ...installedFolders(), ...options.folders });
  const host = createServerHost(options.engine ?? {}, options.loadNetwork);
  const jobs = createJobQueue<StepProgress, JobPicture>(options.queue ?? defaultQueueLimits);
  const app = createApp({
    ...{ files, jobs, host, log },
    limits: options.upload ?? defaultUploadLimits,
    keepAlive: options.keepAlive ?? 15_000,
  });
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: patience }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  const port = await listen(server, options.port);
  let closing: Promise<void> | undefined;
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    await jobs.close();
    const deadline = setTimeout(() => server.closeAllConnections(), GRACE);
    await closed;
    clearTimeout(deadline);
    await host.close();
  };
  return {
    port,
    url: `http://${address}:${port}/`,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** In the package that holds this file. */
function installedFolders(): StudioFolders {
  return {
    page: inPackage('dist/studio'),
    models: inPackage('models'),
    ort: dirname(fileURLToPath(import.meta.resolve('onnxruntime-web'))),
  };
}

/** @returns the port. @throws FauveError `system` */
async function listen(server: Server, port: number | undefined): Promise<number> {
  const attempt = async (wanted: number): Promise<number> => {
    server.listen(wanted, address);
    await once(server, 'listening');
    const bound = server.address();
    if (typeof bound !== 'object' || bound === null) throw new Error('The server has no port.');
    return bound.port;
  };
  if (port === undefined) return attempt(preferredPort).catch(() => attempt(0));
  try {
    return await attempt(port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = { kind: 'port', port } as const;
    if (code === 'EADDRINUSE') {
      const why = `The port ${port} is in use, by another studio or another program.`;
      throw new FauveError(reason, why, { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new FauveError(reason, `You have no permission to use the port ${port}.`, { cause: error });
    }
    throw error;
  }
}
