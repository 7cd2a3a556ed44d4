/** Markup that can not be broken by what is put into it: every interpolated text is escaped, for elements and attributes alike. */

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text that is markup already. Only `markup` and `joined` make it. */
export interface Markup {
  readonly markup: string
}

type Part = string | number | Markup | undefined | readonly Part[]

/** Tag of template literals. Texts and numbers are escaped, `Markup` stays, lists are joined, undefined is nothing. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: texts.map((text, index) => text + rendered(parts[index])).join('') }
}

export function joined(parts: readonly Markup[], between = ''): Markup {
  return { markup: parts.map((part) => part.markup).join(between) }
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character)
}

function rendered(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return isList(part) ? part.map(rendered).join('') : part.markup
}

function isList(part: Exclude<Part, string | number | undefined>): part is readonly Part[] {
  return Array.isArray(part)
}
