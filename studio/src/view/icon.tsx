/** Drawn on 20 × 20, as lines. */
const paths = {
  open: 'M3 6.5V15a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1V7.5a1 1 0 0 0-1-1h-6L8 4.5H4a1 1 0 0 0-1 1z',
  camera: 'M3 7h3l1.5-2h5L14 7h3v9H3zM10 14a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z',
  instant: 'M11 2.5 4.5 11.5H9l-1 6 6.5-9H10z',
  paint: 'M16.5 3.5 8.5 11l1.5 1.5 7-8.5zM7.8 12c-2 0-2.6 1.4-2.8 2.6-.1.9-.8 1.5-1.7 1.6 2.7 1 6.2.5 6.2-2.4z',
  pause: 'M7 4.5v11M13 4.5v11',
  play: 'M6 4l9.5 6L6 16z',
  stop: 'M5.5 5.5h9v9h-9z',
  plus: 'M10 4.5v11M4.5 10h11',
  minus: 'M4.5 10h11',
  fit: 'M4 8V4h4M16 8V4h-4M4 12v4h4M16 12v4h-4',
  compare: 'M10 3v14M7.5 7 4.5 10l3 3M12.5 7l3 3-3 3',
  undo: 'M8 5 4 9l4 4M4 9h7a4 4 0 0 1 0 8H9',
  redo: 'M12 5l4 4-4 4M16 9H9a4 4 0 0 0 0 8h2',
  fullScreen: 'M3.5 7.5v-4h4M16.5 7.5v-4h-4M3.5 12.5v4h4M16.5 12.5v4h-4',
  download: 'M10 3.5v9M6.5 9.5l3.5 3.5 3.5-3.5M4 16.5h12',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  tab: 'M11 4h5v5M16 4l-7 7M14 11.5V16H4V6h4.5',
  close: 'M5 5l10 10M15 5 5 15',
  chart: 'M3.5 3.5v13h13M6 7c1.5 5 4 6.500 10 7.200',
  keys: 'M3 6h14v8.500H3zM6 9h.01M9 9h.01M12 9h.01M14.500 9h.01M7 12h6',
  down: 'M5 8l5 5 5-5',
  reset: 'M4 10a6 6 0 1 0 2-4.500M4 4v3h3',
  check: 'M4.500 10.500 8.500 14.500 15.500 6',
} as const;

export type IconName = keyof typeof paths;

/** A picture beside words: it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
