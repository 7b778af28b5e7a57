import { texts } from '../texts.js';
import { Bitmap } from './bitmap.js';

/** One style: what it looks like and whose it is. One of many (a radio button) or of several (a checkbox). */
export function StyleTile({
  title,
  detail,
  swatch,
  bitmap,
  palette = [],
  instant = false,
  chosen,
  several,
  onChoose,
}: {
  readonly title: string;
  readonly detail: string;
  readonly swatch?: string;
  readonly bitmap?: ImageBitmap;
  readonly palette?: readonly string[];
  readonly instant?: boolean;
  readonly chosen: boolean;
  readonly several: boolean;
  readonly onChoose: () => void;
}) {
  return (
    <label class="tile" title={detail ? `${title}, ${detail}` : title}>
      <input
        class="unseen"
        type={several ? 'checkbox' : 'radio'}
        name="style"
        checked={chosen}
        onChange={(event) => {
          onChoose();
          // The last one of a mixture stays.
          event.currentTarget.checked = chosen || !several;
        }}
      />
      <span class="tile-picture" style={{ background: palette[0] }}>
        {swatch && <img src={swatch} width="144" height="144" alt="" loading="lazy" decoding="async" />}
        {bitmap && <Bitmap bitmap={bitmap} />}
        {instant && (
          <span class="mark" title={texts.styles.instantLong}>
            {texts.styles.instant}
          </span>
        )}
      </span>
      <span class="tile-title">{title}</span>
      <span class="tile-detail">{detail}</span>
    </label>
  );
}
