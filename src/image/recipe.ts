/** Fauve's namespace in an XMP packet. A name, not an address. */
const NAMESPACE = 'urn:fauve:1.0:';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * The XMP packet (ISO 16684-1, RDF in XML) that carries a picture's recipe in its file, as the property `fauve:recipe`.
 * @param recipe any text, JSON by convention; characters that XML cannot hold, such as U+0000, come back as U+FFFD
 */
export function recipeToXmp(recipe: string): string {
  return [
    '<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    `<rdf:Description rdf:about="" xmlns:fauve="${NAMESPACE}"><fauve:recipe>${escapeXml(recipe)}</fauve:recipe></rdf:Description>`,
    '</rdf:RDF></x:xmpmeta>',
    '<?xpacket end="w"?>',
  ].join('\n');
}

/**
 * The recipe in an XMP packet, or undefined when it holds none. Also found where another program has rewritten the
 * property as an attribute.
 */
export function recipeFromXmp(xmp: string): string | undefined {
  const found =
    /<fauve:recipe(?:\s[^>]*)?>([^<]*)<\/fauve:recipe>/.exec(xmp) ??
    /\sfauve:recipe="([^"]*)"/.exec(xmp) ??
    /\sfauve:recipe='([^']*)'/.exec(xmp);
  return found ? unescapeXml(found[1]!) : undefined;
}

/** Line ends and tabs become references, because an XML reader may normalise them. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (all, hex?: string, decimal?: string, name?: string) => {
      if (name) return ENTITIES[name] ?? all;
      const point = hex ? Number.parseInt(hex, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : all;
    },
  );
}
