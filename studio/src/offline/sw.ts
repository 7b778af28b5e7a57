/** The page without a network: what it is made of is kept from the start, engines, networks and styles once they were used. */
declare const self: ServiceWorkerGlobalScope;
declare const __SHELL__: readonly string[];
declare const __BUILD__: string;
declare const __FILES__: string;

const shell = `fauve-page-${__BUILD__}`;
/** Engines, networks and styles: megabytes, so they outlive a new version of the page when they are the same. */
const kept = `fauve-files-${__FILES__}`;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(shell)
      .then((cache) => cache.addAll(['./', ...__SHELL__]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  const outdated = (name: string) => /^fauve-(page|files)-/.test(name) && name !== shell && name !== kept;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(outdated).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname.slice(new URL(self.registration.scope).pathname.length);
  // What the local server computes is never kept.
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope) || path.startsWith('api/')) return;
  event.respondWith(path === '' || path === 'index.html' ? freshOrKept(request) : keptOrFresh(request));
});

/** The page itself: a new version when there is a network. */
async function freshOrKept(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.ok) {
      const cache = await caches.open(shell);
      await cache.put('./', response.clone());
    }
    return response;
  } catch (error) {
    const found = await caches.match('./', { cacheName: shell });
    if (found) return found;
    throw error;
  }
}

/** Everything else has a hash in its name, or is a file that ships with Fauve. */
async function keptOrFresh(request: Request): Promise<Response> {
  const found = await caches.match(request, { ignoreSearch: true });
  if (found) return found;
  const response = await fetch(request);
  if (response.ok && response.status === 200) {
    const cache = await caches.open(kept);
    await cache.put(request, response.clone());
  }
  return response;
}

export type {};
