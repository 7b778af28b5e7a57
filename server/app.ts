import { FauveError, type JobQueue, type Place, type QueuedJob } from 'fauve';
import { version } from 'fauve/node';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { streamSSE } from 'hono/streaming';
import { type JobPicture, jobEvent, type StepProgress } from './events.js';
import { guard, headers, type StudioEnv } from './guard.js';
import type { ServerHost } from './host.js';
import { refusalOf } from './sentences.js';
import { type ServedFiles, serveFiles } from './served-files.js';
import { specOf } from './spec.js';
import { boundaryOf, readUpload, type UploadLimits } from './upload.js';
import { workOf } from './work.js';

type AppEnv = StudioEnv & { readonly Variables: { boundary: string; place: Place<StepProgress, JobPicture> } };

/** What the routes work with. */
export interface AppParts {
  readonly files: ServedFiles;
  readonly jobs: JobQueue<StepProgress, JobPicture>;
  readonly host: ServerHost;
  readonly limits: UploadLimits;
  /** Milliseconds between the comments that keep a stream of events alive. */
  readonly keepAlive: number;
  /** Is told of errors that nobody expected. */
  readonly log: (error: unknown) => void;
}

/** The routes: the page and its files, and the jobs. Every refusal is JSON, `{message}`, with a `reason` where it is the library's. */
export function createApp({ files, jobs, host, limits, keepAlive, log }: AppParts): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const say = (message: string) => ({ message });
  const failure = (error: unknown) => refusalOf(error, log);
  app.use(headers);
  app.use(guard);
  app.use(serveFiles(files));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        c.json(say(`${c.req.method} is not for this address. Use ${methods.join(', ')}.`), 405, {
          Allow: methods.join(', '),
        }),
    }),
  );
  app.use('/api/*', async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });

  app.get('/api/health', async (c) => {
    const { engine, device } = await host.runtime();
    return c.json({ fauve: version, engine, device });
  });

  app.post(
    '/api/jobs',
    // Before the body is read: the type is checked, and the number of bodies that are held at once is limited.
    async (c, next) => {
      c.set('boundary', boundaryOf(c.req.header('Content-Type')));
      const place = jobs.reserve();
      if (!place) {
        const message = 'Too many pictures are waiting already. Wait for one to be done, or cancel one.';
        return c.json(say(message), 503, { 'Retry-After': '5' });
      }
      c.set('place', place);
      try {
        await next();
      } finally {
        place.leave();
      }
    },
    bodyLimit({
      maxSize: limits.bytes,
      onError: (c) =>
        c.json(
          say(`The pictures are larger than ${Math.floor(limits.bytes / 2 ** 20)} MB together. Make them smaller.`),
          413,
        ),
    }),
    async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer());
      const upload = await readUpload(c.get('boundary'), body, limits);
      const spec = await specOf(upload, host);
      return c.json({ id: c.get('place').take(workOf(spec, host)).id }, 202);
    },
  );

  const jobOf = (c: Context): QueuedJob<StepProgress, JobPicture> => {
    const job = jobs.get(c.req.param('id') ?? '');
    if (job) return job;
    throw new HTTPException(404, { message: 'There is no such job; the oldest are forgotten. Start it again.' });
  };

  app.get('/api/jobs/:id/events', (c) => {
    const job = jobOf(c);
    // Nobody would ever read the stream.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' });
    const listening = new AbortController();
    const events = job.events(listening.signal);
    if (!events) throw new HTTPException(429, { message: 'Too many listen to this job. Close other pages.' });
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => listening.abort());
      const alive = setInterval(() => void stream.write(': still there\n\n'), keepAlive);
      try {
        for await (const event of events) {
          const { type, data } = jobEvent(job.id, event, failure);
          await stream.writeSSE({ event: type, data: JSON.stringify(data) });
        }
      } finally {
        clearInterval(alive);
      }
    });
  });

  app.get('/api/jobs/:id/picture', (c) => {
    const { picture } = jobOf(c);
    if (!picture) throw new HTTPException(404, { message: 'There is no picture of this job yet. Wait for the first.' });
    return c.body(new Uint8Array(picture.png), 200, { 'Content-Type': 'image/png' });
  });

  app.delete('/api/jobs/:id', (c) => {
    jobs.cancel(jobOf(c));
    return c.body(null, 204);
  });

  app.notFound((c) => c.json(say('There is nothing at this address.'), 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) {
      if (error.status === 500) log(error.cause ?? error);
      return c.json(say(error.message), error.status);
    }
    // Whoever hung up while sending hears no answer.
    if (c.env.incoming.errored) return c.json(say('The request was not sent to its end.'), 400);
    const status = error instanceof FauveError ? (error.code === 'system' ? 503 : 400) : 500;
    return c.json(failure(error), status);
  });
  return app;
}
