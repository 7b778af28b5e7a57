/** A kind of picture that Fauve reads. */
export interface PictureKind {
  readonly name: string;
  readonly extensions: readonly string[];
  /** Whether all browsers read it. */
  readonly everywhere: boolean;
}

/** The kinds of pictures that can be read, by the names of their files; what a file is in truth, its bytes say. */
export const pictureKinds: readonly PictureKind[] = [
  { name: 'JPEG', extensions: ['.jpg', '.jpeg', '.jpe', '.jfif'], everywhere: true },
  { name: 'PNG', extensions: ['.png'], everywhere: true },
  { name: 'WebP', extensions: ['.webp'], everywhere: true },
  { name: 'AVIF', extensions: ['.avif'], everywhere: true },
  { name: 'HEIC', extensions: ['.heic', '.heif', '.hif'], everywhere: true },
  { name: 'TIFF', extensions: ['.tif', '.tiff'], everywhere: false },
  { name: 'SVG', extensions: ['.svg', '.svgz'], everywhere: false },
  { name: 'GIF', extensions: ['.gif'], everywhere: true },
];

/** `JPEG, PNG or GIF` */
export function kindNames(kinds: readonly PictureKind[] = pictureKinds): string {
  return listOf(
    kinds.map(({ name }) => name),
    'or',
  );
}

/** What else lies among photos: what one is called, several, and their extensions. */
const otherKinds: readonly (readonly [string, string, string])[] = [
  [
    'raw camera file',
    'raw camera files',
    '3fr arw cr2 cr3 crw dng erf iiq kdc mef mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f',
  ],
  ['video', 'videos', '3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts ogv webm wmv'],
  ['text', 'texts', 'aae csv htm html ini json log md pdf rtf txt xml xmp yaml yml'],
  [
    'picture of another kind',
    'pictures of another kind',
    'ai bmp dds eps exr hdr ico j2k jp2 jxl pbm pgm ppm psb psd tga xcf',
  ],
];
const folders = ['folder', 'folders'] as const;
const others = ['other file', 'other files'] as const;

/** What lies in a folder; `device` is what is neither a file nor a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly is: 'file' | 'folder' | 'device';
}

/** Names that an operating system leaves in folders, and hidden ones. */
export function isHidden(name: string): boolean {
  return /^(\.|(thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r)$)/i.test(name);
}

/** The kind that a file's name stands for. */
export function kindOf(name: string, kinds: readonly PictureKind[]): PictureKind | undefined {
  const extension = extensionOf(name);
  return kinds.find(({ extensions }) => extensions.includes(extension));
}

/** The last part of a name from its dot on, in small letters; '' where it has none. */
const extensionOf = (name: string): string => /.(\.[^.\\/]*)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/**
 * What files are, counted: `3 raw camera files (.nef), 1 video (.mov) and 2 folders`.
 * @param named kinds that have a name of their own beside the usual others
 */
export function countKinds(entries: readonly FolderEntry[], named: readonly PictureKind[] = []): string {
  const groups = new Map<string, { one: string; more: string; count: number; extensions: Set<string> }>();
  for (const { name, is } of entries) {
    const extension = extensionOf(name);
    const kind = kindOf(name, named);
    const [one, more] =
      is === 'folder'
        ? folders
        : kind
          ? [`${kind.name} file`, `${kind.name} files`]
          : (otherKinds.find(([, , all]) => all.split(' ').includes(extension.slice(1))) ?? others);
    const group = groups.get(one) ?? { one, more, count: 0, extensions: new Set<string>() };
    group.count++;
    if (is === 'file' && extension !== '') group.extensions.add(extension);
    groups.set(one, group);
  }
  const parts = [...groups.values()].map(({ one, more, count, extensions }) => {
    const shown = [...extensions].sort();
    const list = shown.length > 6 ? [...shown.slice(0, 6), '…'] : shown;
    return `${count} ${count === 1 ? one : more}${list.length > 0 ? ` (${list.join(', ')})` : ''}`;
  });
  return listOf(parts, 'and');
}

function listOf(parts: readonly string[], last: 'and' | 'or'): string {
  return parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`;
}
