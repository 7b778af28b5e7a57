import { readFileSync } from 'node:fs';

/** A style of the gallery and the painting that it is captured from. */
export interface GalleryEntry {
  readonly name: string;
  /** Of the painting. */
  readonly file: string;
  readonly title: string;
  readonly artist: string;
  readonly year: number | null;
  /** Per cent of the height that are left out. */
  readonly cropBottom?: number;
}

/** `models/styles/gallery.json`. */
export function galleryEntries(): GalleryEntry[] {
  return JSON.parse(readFileSync('models/styles/gallery.json', 'utf8')) as GalleryEntry[];
}
