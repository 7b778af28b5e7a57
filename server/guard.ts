import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** What the server's handlers get: Node's own request beside the standard one. */
export type StudioEnv = { readonly Bindings: HttpBindings };

const none = ["'none'"];
const self = ["'self'"];

/**
 * The page may load and ask nothing but this server, runs WASM in threads (which needs isolation: COOP and COEP), and is in nobody's frame.
 */
export const headers: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: none,
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    workerSrc: ["'self'", 'blob:'],
    styleSrc: self,
    imgSrc: ["'self'", 'blob:', 'data:'],
    mediaSrc: ["'self'", 'blob:'],
    fontSrc: self,
    connectSrc: self,
    manifestSrc: self,
    baseUri: none,
    formAction: none,
    frameAncestors: none,
  },
  crossOriginEmbedderPolicy: 'require-corp',
  crossOriginOpenerPolicy: 'same-origin',
  crossOriginResourcePolicy: 'same-origin',
  permissionsPolicy: { camera: ['self'], microphone: [], geolocation: [] },
  referrerPolicy: 'no-referrer',
  xFrameOptions: 'DENY',
  // There is no TLS on the loopback, and other servers of this name must not be forced to have it.
  strictTransportSecurity: false,
});

/**
 * Lets only the page itself and programs on this computer in. A page of another origin can send requests to the loopback, and one whose
 * name is made to lead to 127.0.0.1 (DNS rebinding) can read the answers: both give themselves away by their headers.
 */
export const guard: MiddlewareHandler<StudioEnv> = async (c, next) => {
  const hosts = allowedHosts(c.env.incoming.socket.localPort);
  const host = c.env.incoming.headers.host ?? '';
  if (!hosts.includes(host)) return refuse(c, 403, `The host is ${shown(host)}, expected ${hosts.join(' or ')}.`);
  // A whole address in the request line has a host of its own.
  if (new URL(c.req.url).host !== new URL(`http://${host}`).host)
    return refuse(c, 400, 'The address and the host differ.');
  const origin = c.req.header('Origin');
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(c, 403, `The origin is ${shown(origin)}, expected http://${host}. Use the page of this server.`);
  }
  const site = c.req.header('Sec-Fetch-Site');
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
  const isPage = reads && !c.req.path.startsWith('/api/');
  // A link may lead to the page; what it does is the page's own business. Another port of this host is another site's page, too.
  if (!isPage && site !== undefined && site !== 'same-origin' && site !== 'none') {
    return refuse(c, 403, `The request comes from another site (${shown(site)}). Use the page of this server.`);
  }
  const { headers: sent } = c.env.incoming;
  if (c.req.method !== 'POST' && (sent['transfer-encoding'] !== undefined || Number(sent['content-length'] ?? 0) > 0)) {
    return refuse(c, 400, 'This request takes no body.');
  }
  return next();
};

function allowedHosts(port: number | undefined): string[] {
  const suffix = port === 80 ? '' : `:${port}`;
  return [`127.0.0.1${suffix}`, `localhost${suffix}`];
}

/** The connection ends with the answer: nothing that is still to come is read. */
function refuse(c: Context, status: 400 | 403, message: string): Response {
  return c.json({ message }, status, { Connection: 'close' });
}

const shown = (text: string) => JSON.stringify(text.slice(0, 100));
