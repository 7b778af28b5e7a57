import { render } from 'preact';
import './look/tokens.css';
import './look/page.css';
import './look/parts.css';
import './look/lab.css';
import { start } from './state/worker.js';
import { App } from './view/app.js';

render(<App />, document.getElementById('app')!);
void start();

// Only a built page has a service worker: in development it would keep what is being changed.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // What is needed now comes first. The page works without it, only not offline.
  addEventListener('load', () => void navigator.serviceWorker.register('./sw.js').catch(() => undefined));
}
