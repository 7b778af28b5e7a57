import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';
import { methodPages } from './build/method-pages.js';
import { offline } from './build/offline.js';
import { filesBeside, shippedFiles, shippedListModule } from './build/shipped-files.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The page as static files: everything by relative addresses, so that it works below any path of any host. With `--mode static`
 * the networks, styles and engines lie beside it; without, `fauve studio` serves them.
 */
export default defineConfig(({ mode }) => {
  const root = at('..');
  const beside = filesBeside(root);
  return {
    root: at('.'),
    base: './',
    // The page builds the library from its sources, by the same door as the condition `browser` of the package.
    resolve: {
      alias: [
        { find: /^fauve$/, replacement: at('../src/index.browser.ts') },
        { find: /^fauve\/(\w+)$/, replacement: `${at('../src')}/$1.ts` },
      ],
      // The engine's files lie in `ort/`, not among the assets.
      conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
    },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    plugins: [
      shippedListModule(root, beside),
      shippedFiles(root, beside, mode === 'static'),
      methodPages(root),
      offline(beside),
    ],
    worker: { format: 'es', plugins: () => [shippedListModule(root, beside)] },
    optimizeDeps: { exclude: ['onnxruntime-web'] },
    build: {
      outDir: at('../dist/studio'),
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: { index: at('index.html'), sw: at('src/offline/sw.ts') },
        // A service worker is found by its address, so its name stays.
        output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
      },
    },
    server: {
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
  };
});
