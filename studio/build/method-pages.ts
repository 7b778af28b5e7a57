import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Marked } from 'marked';
import type { Plugin } from 'vite';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css',
  jpg: 'image/jpeg',
  svg: 'image/svg+xml',
};

/** The pages of `docs/method/` beside the studio's, as `method/*.html`: the loss lab links to them. @param root of the project */
export function methodPages(root: string): Plugin {
  const folder = join(root, 'docs/method');
  const look = (name: string) => readFileSync(join(root, 'studio/src/look', name), 'utf8');
  const pages = () => readdirSync(folder).filter((name) => name.endsWith('.md'));
  const page = (name: string, picture: (path: string) => string) =>
    htmlPage(readFileSync(join(folder, name), 'utf8'), picture);
  const css = () => look('tokens.css') + look('method.css');

  return {
    name: 'fauve-method-pages',
    generateBundle() {
      // A hash in the name of a picture: the service worker keeps what has one.
      const picture = (path: string) => {
        const reference = this.emitFile({ type: 'asset', name: path, source: readFileSync(join(folder, path)) });
        return `../${this.getFileName(reference)}`;
      };
      for (const name of pages()) {
        this.emitFile({ type: 'asset', fileName: `method/${htmlName(name)}`, source: page(name, picture) });
      }
      this.emitFile({ type: 'asset', fileName: 'method/method.css', source: css() });
    },
    configureServer(server) {
      server.middlewares.use('/method/', (request, response, next) => {
        const name = decodeURIComponent(request.url ?? '/').slice(1) || 'index.html';
        const source = pages().find((each) => htmlName(each) === name);
        const content = source ? page(source, (path) => path) : name === 'method.css' ? css() : undefined;
        const picture = /^images\/[\w-]+\.(jpg|svg)$/.test(name);
        if (content === undefined && !picture) return next();
        response.setHeader('Content-Type', TYPES[name.split('.').at(-1)!]!);
        response.end(content ?? readFileSync(join(folder, name)));
      });
    },
  };
}

const htmlName = (name: string): string => name.replace('README.md', 'index.md').replace(/\.md$/, '.html');

/** @param picture address of a picture, by its path in the Markdown */
function htmlPage(markdown: string, picture: (path: string) => string): string {
  const marked = new Marked({
    walkTokens(token) {
      if (token.type === 'image') token.href = picture(token.href);
      if (token.type === 'link') token.href = htmlName(token.href);
    },
    renderer: {
      // What lies elsewhere in the project is not beside the page: its name stays as text.
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return href.startsWith('../') ? text : `<a href="${href}">${text}</a>`;
      },
      // Who has no mouse scrolls it with the keys.
      code: ({ text, escaped }) => `<pre tabindex="0"><code>${escaped ? text : escapeHtml(text)}</code></pre>\n`,
    },
  });
  const [, title = ''] = /^# (.+)$/m.exec(markdown) ?? [];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Fauve</title>
<link rel="icon" type="image/svg+xml" href="../icon.svg">
<link rel="stylesheet" href="method.css">
</head>
<body>
<nav aria-label="Method"><a href="../">Fauve Studio</a> <a href="index.html">How style transfer works</a></nav>
<main>
${marked.parse(markdown, { async: false })}</main>
</body>
</html>
`;
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
