import { photo } from '../state/session.js';

/** Where a picture will be, in the shape of the photo. */
export function Gap() {
  const { width = 4, height = 3 } = photo.value ?? {};
  return <div class="gap" style={{ aspectRatio: `${width} / ${height}` }} />;
}
