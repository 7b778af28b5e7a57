import { z } from 'zod';

/** One option, described: what flags of a command line, controls of a page and checks of a server are made from. */
export interface OptionSpec<Name extends string = string> {
  readonly name: Name;
  readonly description: string;
  /** The heading that it stands under. */
  readonly group: string;
  /** `layers`: weights by layer; `numbers`: several in a row; `text`: a word or a number in a form that the description says. */
  readonly kind: 'number' | 'switch' | 'choice' | 'layers' | 'numbers' | 'text';
  readonly choices?: readonly string[] | undefined;
  /** Of a number: bounds that it may reach. */
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly default: unknown;
}

/** Headings of options, in the order in which they are shown. */
export const optionGroups = ['Picture', 'Losses', 'Optimisation', 'Training', 'Network'] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** Describes all options of a schema, in their order. @param otherwise the group of those that name none */
export function optionSpecs<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  otherwise: OptionGroup,
): readonly OptionSpec<keyof Shape & string>[] {
  const properties = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).properties ?? {};
  const specs = Object.entries(properties).map(([name, property]): OptionSpec<keyof Shape & string> => {
    if (typeof property === 'boolean') throw new Error(`The option ${name} has no schema.`);
    const { type, description = '', minimum, maximum } = property;
    const choices = property.enum as readonly string[] | undefined;
    return {
      name: name as keyof Shape & string,
      description,
      group: typeof property.group === 'string' ? property.group : otherwise,
      kind: choices ? 'choice' : (kinds[String(type)] ?? 'text'),
      choices,
      minimum,
      maximum,
      default: property.default,
    };
  });
  return Object.freeze(specs);
}

/** By the type of their JSON schema. */
const kinds: Readonly<Record<string, OptionSpec['kind']>> = {
  boolean: 'switch',
  number: 'number',
  integer: 'number',
  object: 'layers',
  array: 'numbers',
};

/** An option's value as people write it: `relu1_1,relu2_1:0.5`, `0,32,64`. */
export function optionText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.join(',');
  return Object.entries(value)
    .map(([layer, weight]) => (weight === 1 ? layer : `${layer}:${weight}`))
    .join(',');
}
