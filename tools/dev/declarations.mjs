// Reads what the declaration files say of the public types. It uses the compiler that checks them: TypeScript 7 has its JavaScript API
// under `typescript/unstable`. A version that changes it makes this fail, and the lockfile holds the version.
import {
  isInterfaceDeclaration,
  isIntersectionTypeNode,
  isLiteralTypeNode,
  isParenthesizedTypeNode,
  isPropertySignatureDeclaration,
  isStringLiteral,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isTypeReferenceNode,
  isUnionTypeNode,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import { UserError } from './run.mjs'

/** @typedef {import('typescript/unstable/ast').Node} Node */
/** @typedef {import('typescript/unstable/ast').TypeNode} TypeNode */
/** @typedef {import('typescript/unstable/ast').SourceFile} SourceFile */
/** @typedef {import('typescript/unstable/sync').Checker} Checker */

/**
 * @typedef {object} Field
 * @property {string} name with a dot where it is a field of a field
 * @property {string} type
 * @property {string} text
 * @property {string} [byDefault]
 * @property {boolean} optional
 */
/** @typedef {{ value: string, text: string, fields: { name: string, values: string[] }[] }} Member */
/**
 * An interface with its own fields, or a union of strings or of objects. Objects are distinguished by their first field, the `key`.
 *
 * @typedef {{ fields: Field[] } | { key?: string, members: Member[] }} Declaration
 */

/**
 * The interfaces and unions of declaration files, by name.
 *
 * @param {string[]} files
 * @returns {Map<string, Declaration>}
 */
export function declarations(files) {
  const api = new API()
  try {
    const snapshot = api.updateSnapshot({ openFiles: files })
    return new Map(
      files.flatMap(file => {
        const project = snapshot.getDefaultProjectForFile(file)
        const source = project?.program.getSourceFile(file)
        if (!project || !source) throw new UserError(`TypeScript cannot read ${file}.`)
        return declared(source, project.checker)
      }),
    )
  } finally {
    api.close()
  }
}

/** @param {SourceFile} source @param {Checker} checker @returns {[string, Declaration][]} */
function declared(source, checker) {
  /** @type {[string, Declaration][]} */
  const found = []
  for (const node of source.statements) {
    if (isInterfaceDeclaration(node)) found.push([node.name.text, { fields: fieldsOf(node.members, source) }])
    else if (isTypeAliasDeclaration(node)) {
      const union = unionIn(node.type)
      if (union) found.push([node.name.text, unionOf(union, source, checker)])
    }
  }
  return found
}

/** @param {readonly Node[]} members @param {SourceFile} source @returns {Field[]} */
function fieldsOf(members, source, prefix = '') {
  return members.filter(isPropertySignatureDeclaration).flatMap(node => {
    const name = prefix + nameOf(node.name)
    const [comment] = node.jsDoc?.slice(-1) ?? []
    const own = {
      name,
      type: textOf(node.type, source),
      ...prose(comment ? textOf(comment, source) : ''),
      optional: node.postfixToken?.kind === SyntaxKind.QuestionToken,
    }
    const inner = isTypeLiteralNode(node.type) ? fieldsOf(node.type.members, source, `${name}.`) : []
    return [own, ...inner.filter(({ text }) => text !== '')]
  })
}

/** The union that a type is, or that is part of it. @param {TypeNode} type @returns {import('typescript/unstable/ast').UnionTypeNode | undefined} */
function unionIn(type) {
  if (isUnionTypeNode(type)) return type
  if (isParenthesizedTypeNode(type)) return unionIn(type.type)
  if (isIntersectionTypeNode(type)) return type.types.map(unionIn).find(union => union !== undefined)
  return undefined
}

/** @param {import('typescript/unstable/ast').UnionTypeNode} union @param {SourceFile} source @param {Checker} checker */
function unionOf(union, source, checker) {
  let key
  let from = union.pos
  const members = []
  for (const type of union.types) {
    // The parser keeps comments of fields alone, so that of a member is looked for before it.
    const [comment] =
      source.text
        .slice(from, type.pos)
        .match(/\/\*\*.*?\*\//gs)
        ?.slice(-1) ?? []
    from = type.end
    const { text } = prose(comment ?? '')
    const [literal] = valuesOf(type)
    if (literal !== undefined) members.push({ value: literal, text, fields: [] })
    else {
      const [first, ...fields] = memberFields(type, checker)
      key = first?.name
      members.push({ value: first?.values[0] ?? '', text, fields })
    }
  }
  return { key, members }
}

/** @param {TypeNode} type @param {Checker} checker @returns {{ name: string, values: string[] }[]} */
function memberFields(type, checker) {
  if (isParenthesizedTypeNode(type)) return memberFields(type.type, checker)
  if (isIntersectionTypeNode(type)) return type.types.flatMap(part => memberFields(part, checker))
  if (isTypeLiteralNode(type)) {
    return type.members
      .filter(isPropertySignatureDeclaration)
      .map(({ name, type }) => ({ name: nameOf(name), values: valuesOf(type) }))
  }
  const named = isTypeReferenceNode(type) ? checker.getTypeFromTypeNode(type) : undefined
  if (!named) return []
  // The checker's own order may change from run to run.
  const names = checker.getPropertiesOfType(named).map(({ name }) => name)
  return names.sort().map(name => ({ name, values: [] }))
}

/** The strings of a literal type or of a union of them. @param {TypeNode} type @returns {string[]} */
function valuesOf(type) {
  if (isUnionTypeNode(type)) return type.types.flatMap(valuesOf)
  return isLiteralTypeNode(type) && isStringLiteral(type.literal) ? [type.literal.text] : []
}

/** @param {Node} name */
const nameOf = name => /** @type {{ text: string }} */ (/** @type {unknown} */ (name)).text

/** @param {Node} node @param {SourceFile} source */
const textOf = (node, source) => source.text.slice(node.pos, node.end).trim()

/** A doc comment in one line. The default is in a tag, or in a sentence of its own. @param {string} comment */
function prose(comment) {
  const line = comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/\{@link ([^}]+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const [sentences, tag] = line.split(' @default ')
  const sentence = /(?:^| )Default(?: \([^)]*\))?:? (.+?)\.(?= |$)/.exec(sentences)
  if (tag !== undefined || !sentence) return { text: sentences, byDefault: tag }
  return { text: sentences.replace(sentence[0], '').trim(), byDefault: sentence[1] }
}
