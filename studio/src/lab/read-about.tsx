import { texts } from '../texts.js';

/** A page of `docs/method/`, which the build puts beside this one. */
type MethodPage = keyof typeof texts.lab.pages;

/** Links to the pages that explain what a tab shows. In a tab of their own: what is on this page is not lost. */
export function ReadAbout({ pages }: { readonly pages: readonly MethodPage[] }) {
  return (
    <p class="lab-read">
      {texts.lab.read}{' '}
      {pages.map((page, i) => (
        <span key={page}>
          {i > 0 && ', '}
          <a href={`method/${page}.html`} target="_blank" rel="noopener" title={texts.lab.newTab}>
            {texts.lab.pages[page]}
          </a>
        </span>
      ))}
    </p>
  );
}
