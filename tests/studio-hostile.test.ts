import { createHash, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { builtPage, type OpenStudio, openStudio, type RawAnswer, removePage, sendRaw } from './support/studio.js';

// The machine may be busy with other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const root = fileURLToPath(new URL('../', import.meta.url));
const megabyte = 2 ** 20;

let page: string;
let studio: OpenStudio;
let host: string;
beforeAll(async () => {
  page = await builtPage();
  studio = await openStudio(page, { upload: { bytes: megabyte, files: 3, jobBytes: 4096 } });
  host = `127.0.0.1:${studio.port}`;
});
afterAll(async () => {
  await studio.close();
  await removePage(page);
});

interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request byte by byte as it is given; without a host where that is empty. */
function send({ method = 'GET', target = '/', host: name = host, headers = {}, body = '' }: Request) {
  const length = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body, 'latin1')) };
  const all = { ...(name === '' ? {} : { Host: name }), Connection: 'close', ...length, ...headers };
  const lines = Object.entries(all).map(([key, value]) => `${key}: ${value}\r\n`);
  return sendRaw(studio.port, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** A form as the page sends it, with the parts as given. */
function form(...parts: readonly (readonly [disposition: string, content: string])[]): Request {
  const boundary = 'boundary-of-the-tests';
  const text = parts.map(
    ([disposition, content]) => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`,
  );
  return {
    method: 'POST',
    target: '/api/jobs',
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: `${text.join('')}--${boundary}--\r\n`,
  };
}

const photo = ['name="file"; filename="photo.png"', 'no picture'] as const;
const sha256 = createHash('sha256').update('no picture').digest('hex');
const spec = (name = 'photo.png', options: object = { steps: 1 }) =>
  JSON.stringify({ kind: 'stylize', content: { name, sha256 }, styles: [{ shipped: 'starry-night' }], options });
const job = ['name="job"', spec()] as const;

/** The request is refused with a sentence that tells nothing of this computer, and the server goes on. */
async function expectRefused(answer: RawAnswer, status: number, message?: RegExp): Promise<void> {
  expect(answer.status).toBe(status);
  if (message) expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringMatching(message) });
  const all = `${answer.head}\n${answer.body}`;
  expect(all).not.toContain(root.slice(0, -1));
  expect(all).not.toMatch(/ at .*\.js|node_modules|Access-Control-Allow/);
  expect((await studio.ask('')).status).toBe(200);
}

it('what is refused below is taken without the hostile part', async () => {
  expect((await send({})).status).toBe(200);
  expect((await send({ host: `localhost:${studio.port}` })).status).toBe(200);
  expect((await send({ headers: { Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' } })).status).toBe(200);
  const { status, body } = await send(form(photo, job));
  expect([status, JSON.parse(body)]).toEqual([202, { id: expect.any(String) }]);
});

describe('another site', () => {
  it.each<[string, Request]>([
    ['another host', { host: 'attacker.example' }],
    ['another host on the right port', { host: 'attacker.example:PORT' }],
    ['a host that starts as ours', { host: '127.0.0.1.attacker.example:PORT' }],
    ['ours on another port', { host: '127.0.0.1:1' }],
    ['ours without a port', { host: 'localhost' }],
    ['an address that means all', { host: '0.0.0.0:PORT' }],
    ['another spelling of the loopback', { host: '[::1]:PORT' }],
    ['another origin', { headers: { Origin: 'https://attacker.example' } }],
    ['an origin on another port', { headers: { Origin: 'http://127.0.0.1:1' } }],
    ['a hidden origin', { headers: { Origin: 'null' } }],
    ['our other name as the origin', { headers: { Origin: 'http://localhost:PORT' } }],
    [
      'a form of another site',
      { ...form(photo, job), headers: { 'Content-Type': 'text/plain', Origin: 'https://a.example' } },
    ],
    ['a request of another site', { target: '/api/health', headers: { 'Sec-Fetch-Site': 'cross-site' } }],
    ['a request of another port', { target: '/api/health', headers: { 'Sec-Fetch-Site': 'same-site' } }],
    ['a write of another site', { method: 'DELETE', target: '/', headers: { 'Sec-Fetch-Site': 'cross-site' } }],
  ])('%s is refused', async (_, request) => {
    const text = JSON.stringify(request).replaceAll('PORT', String(studio.port));
    await expectRefused(await send(JSON.parse(text)), 403, /expected|another site/);
  });

  it('no host, and what cannot be one, is refused', async () => {
    await expectRefused(await send({ host: '' }), 400);
    await expectRefused(await sendRaw(studio.port, 'GET /api/health HTTP/1.0\r\n\r\n'), 400);
    await expectRefused(await send({ host: `127.0.0.1:${studio.port}.attacker.example` }), 400);
    await expectRefused(await send({ host: `${host}@attacker.example` }), 400);
  });

  it('an address of its own in the request line is refused', async () => {
    await expectRefused(await send({ target: 'http://attacker.example/' }), 400, /differ/);
  });

  it('a link to the page is followed', async () => {
    expect((await send({ headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' } })).status).toBe(
      200,
    );
  });

  it('is not told that it may ask', async () => {
    const headers = { Origin: 'https://attacker.example', 'Access-Control-Request-Method': 'POST' };
    await expectRefused(await send({ method: 'OPTIONS', target: '/api/jobs', headers }), 403);
  });
});

describe('paths', () => {
  it.each([
    '/../package.json',
    '/assets/../../package.json',
    '/models/../package.json',
    '/%2e%2e/package.json',
    '/%2e%2e%2fpackage.json',
    '/models/%2e%2e%2f%2e%2e%2fpackage.json',
    '/models/..%5c..%5cpackage.json',
    '/models/styles/..%252f..%252f..%252fpackage.json',
    '//etc/passwd',
    '/etc/passwd',
    '/index.html%00.js',
    '/models/%c0%ae%c0%ae/package.json',
    '/%',
    '/.secret',
    '/__proto__',
    '/api/jobs/__proto__/picture',
    '/api/unknown',
  ])('%s leads nowhere', async (target) => {
    await expectRefused(await send({ target }), 404, /nothing at this address|no such job/);
  });

  it('backslashes and NUL bytes are no requests', async () => {
    await expectRefused(await send({ target: '/..\\package.json' }), 400);
    await expectRefused(await send({ target: '/index.html\0' }), 400);
  });

  it('jobs cannot be guessed', async () => {
    for (const id of ['1', randomUUID(), '*', '%2e%2e']) {
      await expectRefused(await send({ target: `/api/jobs/${id}/picture` }), 404);
      await expectRefused(await send({ target: `/api/jobs/${id}/events` }), 404);
      await expectRefused(await send({ method: 'DELETE', target: `/api/jobs/${id}` }), 404);
    }
  });
});

describe('methods', () => {
  it.each([
    ['POST', '/', 'GET, HEAD'],
    ['PUT', '/index.html', 'GET, HEAD'],
    ['DELETE', '/models/manifest.json', 'GET, HEAD'],
    ['GET', '/api/jobs', 'POST'],
    ['POST', '/api/health', 'GET, HEAD'],
    ['TRACE', '/', 'GET, HEAD'],
    ['POST', `/api/jobs/${randomUUID()}/picture`, 'GET, HEAD'],
  ])('%s %s is refused', async (method, target, allowed) => {
    const answer = await send({ method, target });
    await expectRefused(answer, 405, /is not for/);
    expect(answer.head.toLowerCase().split('\r\n')).toContain(`allow: ${allowed.toLowerCase()}`);
  });

  it('CONNECT gets no answer', async () => {
    await expectRefused(await send({ method: 'CONNECT', target: 'attacker.example:443' }), 0);
  });

  it('a body is refused where none belongs', async () => {
    await expectRefused(await send({ target: '/api/health', body: 'x' }), 400, /takes no body/);
    await expectRefused(await send({ target: '/', headers: { 'Transfer-Encoding': 'chunked' } }), 400, /takes no body/);
  });
});

describe('bodies', () => {
  /** A gigabyte of chunks, none of which is made before the one before it was taken. */
  function* gigabyte(chunked: boolean): Generator<Uint8Array> {
    const zeros = Buffer.alloc(megabyte);
    const size = Buffer.from(`${megabyte.toString(16)}\r\n`);
    const chunk = chunked ? Buffer.concat([size, zeros, Buffer.from('\r\n')]) : zeros;
    for (let i = 0; i < 1024; i++) yield chunk;
  }
  const type = 'Content-Type: multipart/form-data; boundary=b';
  const head = (line: string) => `POST /api/jobs HTTP/1.1\r\nHost: ${host}\r\n${type}\r\n${line}\r\n\r\n`;

  it('a gigabyte is cut off early, whether its length is told or not', async () => {
    for (const chunked of [false, true]) {
      const line = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${2 ** 30}`;
      const answer = await sendRaw(studio.port, head(line), gigabyte(chunked));
      await expectRefused(answer, 413, /larger than 1 MB/);
      expect(answer.sent).toBeLessThan(200 * megabyte);
    }
  });

  it('a gigabyte to an address that takes none is cut off, too', async () => {
    const line = `DELETE /api/jobs/x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${2 ** 30}\r\n\r\n`;
    const answer = await sendRaw(studio.port, line, gigabyte(false));
    // The answer is lost where the connection ends while more is being sent.
    expect([0, 400]).toContain(answer.status);
    expect(answer.sent).toBeLessThan(200 * megabyte);
  });

  it.each<[string, Request, number, RegExp]>([
    ['JSON', { ...form(photo, job), headers: { 'Content-Type': 'application/json' } }, 415, /multipart/],
    ['no type', { ...form(photo, job), headers: {} }, 415, /multipart/],
    ['no boundary', { ...form(photo, job), headers: { 'Content-Type': 'multipart/form-data' } }, 415, /boundary/],
    [
      'two boundaries',
      { ...form(photo, job), headers: { 'Content-Type': 'multipart/form-data; boundary=a; boundary=b' } },
      415,
      /boundary/,
    ],
    ['what is no form', { ...form(), body: 'photo=1' }, 400, /form is broken/],
    [
      'a form without an end',
      { ...form(), body: form(photo, job).body!.slice(0, -30) },
      400,
      /form is broken|Expected/,
    ],
    ['an empty form', form(), 400, /form is broken|Expected one text job/],
    ['no file', form(job), 400, /at least one file/],
    ['no job', form(photo), 400, /one text job/],
    ['two jobs', form(photo, job, job), 400, /one text job/],
    ['a file that is text', form(['name="file"', 'text'], job), 400, /file is text/],
    ['an unknown part', form(photo, job, ['name="more"', '']), 400, /no part "more"/],
    ['too many parts', form(...Array.from({ length: 500 }, () => photo), job), 400, /more than 4 parts/],
    ['JSON that is cut off', form(photo, ['name="job"', '{"kind":']), 400, /A job is JSON/],
    [
      'JSON of another form',
      form(photo, ['name="job"', '{"kind":"stylize","__proto__":{}}']),
      400,
      /not as expected|no part/,
    ],
    ['a field that is too long', form(photo, ['name="job"', `"${'x'.repeat(5000)}"`]), 413, /at most 4096/],
  ])('%s is refused', async (_, request, status, message) => {
    await expectRefused(await send(request), status, message);
  });

  it('JSON that is nested deeply is refused', async () => {
    const deep = `${'['.repeat(1900)}${']'.repeat(1900)}`;
    const text = spec('photo.png', { size: '?' }).replace('"?"', deep);
    await expectRefused(await send(form(photo, ['name="job"', text])), 400, /size: expected/);
  });

  it('a name with folders becomes a name', async () => {
    const { body } = await send(form(photo, ['name="job"', spec('../../etc/pass\twd')]));
    const stream = await studio.ask(`api/jobs/${JSON.parse(body).id}/events`);
    expect(await stream.text()).toMatch(/failed\ndata: \{"message":"Content image passwd is not a picture/);
  });
});

it('nothing of all this was unexpected', () => {
  expect(studio.logged).toEqual([]);
});
