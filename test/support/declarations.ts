/** The public declarations of the package, read from its `.d.ts` files: what is exported, and which types it names. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseSync } from "@swc/core";
import { PROJECT, readProjectFile } from "./document.js";

/** A part of a parsed file, as the parser has it. */
type Node = Readonly<Record<string, unknown>>;

/** Where something is declared. */
export interface Place {
  readonly file: string;
  readonly name: string;
}

/** What an entry point exports. */
export interface PublicName extends Place {
  /** As users import it. */
  readonly alias: string;
  /** Whether it can be used as a type only: nobody constructs it. */
  readonly isTypeOnly: boolean;
}

interface Reference {
  readonly place: Place;
  readonly alias: string;
  readonly isTypeOnly: boolean;
}

interface Module {
  readonly declarations: Map<string, Node[]>;
  readonly exported: Map<string, Reference>;
  readonly imported: Map<string, Place>;
  /** Modules of which everything is exported, as types. */
  readonly stars: string[];
}

const modules: Map<string, Module> = new Map();

const text = (node: unknown): string => String((node as Node)["value"]);
const listOf = (node: unknown): readonly Node[] => (Array.isArray(node) ? node : []);

function resolved(file: string, source: unknown): string {
  const specifier = text(source);
  if (!specifier.startsWith(".")) return specifier;
  return join(dirname(file), specifier.replace(/\.js$/, ".d.ts"));
}

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const made: Module = {
    declarations: new Map(),
    exported: new Map(),
    imported: new Map(),
    stars: [],
  };
  modules.set(file, made);
  const { body } = parseSync(readFileSync(file, "utf8"), { syntax: "typescript" });
  for (const item of body as unknown as readonly Node[]) readItem(made, file, item);
  return made;
}

function readItem(made: Module, file: string, item: Node): void {
  if (item["type"] === "ImportDeclaration") {
    for (const one of listOf(item["specifiers"])) {
      const name = text(one["imported"] ?? one["local"]);
      made.imported.set(text(one["local"]), { file: resolved(file, item["source"]), name });
    }
  } else if (item["type"] === "ExportNamedDeclaration") {
    for (const one of listOf(item["specifiers"])) {
      const name = text(one["orig"]);
      const source = item["source"];
      const place = { file: source === null ? file : resolved(file, source), name };
      const isTypeOnly = item["typeOnly"] === true || one["isTypeOnly"] === true;
      const alias = text(one["exported"] ?? one["orig"]);
      made.exported.set(alias, { place, alias, isTypeOnly });
    }
  } else if (item["type"] === "ExportAllDeclaration") {
    made.stars.push(resolved(file, item["source"]));
  } else if (item["type"] === "ExportDeclaration") {
    for (const name of declare(made, item["declaration"] as Node)) {
      made.exported.set(name, { place: { file, name }, alias: name, isTypeOnly: false });
    }
  } else declare(made, item);
}

/** Notes a declaration. Answers the names that it declares. */
function declare(made: Module, item: Node): string[] {
  const parts = item["type"] === "VariableDeclaration" ? listOf(item["declarations"]) : [item];
  return parts.flatMap((part) => {
    const id = part["identifier"] ?? part["id"];
    if (id === undefined) return [];
    const name = text(id);
    made.declarations.set(name, [...(made.declarations.get(name) ?? []), part]);
    return [name];
  });
}

/** Where a name of a module is declared in the end; undefined for what is global. */
function origin({ file, name }: Place): Place | undefined {
  if (!file.endsWith(".d.ts")) return { file, name };
  const found = moduleOf(file);
  if (found.declarations.has(name)) return { file, name };
  const next = found.exported.get(name)?.place ?? found.imported.get(name);
  return next === undefined ? undefined : origin(next);
}

/** The entry points of the package, but for what only its own worker loads. */
export function entryPoints(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readProjectFile("package.json")) as {
    readonly exports: Readonly<Record<string, { readonly types?: string }>>;
  };
  return new Map(
    Object.entries(exports).flatMap(([entry, { types }]) =>
      types === undefined || entry.endsWith("-worker")
        ? []
        : [[join("hp-socket", entry), join(PROJECT, types)]],
    ),
  );
}

/** What a module exports by name, and the modules of which it exports all types. */
export function exportedNames(file: string): {
  readonly names: ReadonlyMap<string, Place>;
  readonly stars: readonly string[];
} {
  const { exported, stars } = moduleOf(file);
  const names = new Map<string, Place>();
  for (const { place, alias } of exported.values()) {
    const found = origin(place);
    if (found !== undefined) names.set(alias, found);
  }
  return { names, stars };
}

/** What a module exports, by where it is declared. */
export function publicNames(file: string): ReadonlyMap<string, PublicName> {
  const { exported, stars } = moduleOf(file);
  const names = new Map<string, PublicName>();
  for (const star of stars) {
    for (const [key, name] of publicNames(star)) names.set(key, { ...name, isTypeOnly: true });
  }
  for (const { place, alias, isTypeOnly } of exported.values()) {
    const found = origin(place);
    if (found !== undefined) names.set(keyOf(found), { ...found, alias, isTypeOnly });
  }
  return names;
}

/** One name for one place. */
export function keyOf({ file, name }: Place): string {
  return `${relative(join(PROJECT, "dist"), file)} ${name}`;
}

/** Types that make a type of another one's members: what they are given is looked at, and need not be named. */
const MAKERS = new Set(["Given", "Omit", "Pick", "Partial", "Readonly", "Required"]);

/** The types that a public declaration names, with what it inherits; each as it is declared. */
export function namedTypes(name: PublicName, isPublic: (key: string) => boolean): Place[] {
  const found = new Map<string, Place>();
  const seen = new Set<string>();
  const visit = (place: Place, isInherited: boolean): void => {
    if (seen.has(keyOf(place)) || !place.file.endsWith(".d.ts")) return;
    seen.add(keyOf(place));
    const { declarations, imported, exported } = moduleOf(place.file);
    const refer = (word: string, isPart: boolean): void => {
      const target = declarations.has(word)
        ? { file: place.file, name: word }
        : imported.has(word)
          ? origin(imported.get(word) as Place)
          : undefined;
      if (target === undefined || target.file.startsWith("node:") || isPublic(keyOf(target)))
        return;
      const isLocal = declarations.has(word) && !exported.has(word);
      if (isPart || isLocal) visit(target, true);
      else found.set(keyOf(target), target);
    };
    for (const node of declarations.get(place.name) ?? []) {
      const hasConstructor = !isInherited && !name.isTypeOnly;
      new Walk(refer, hasConstructor).walk(node, new Set(), node["type"] === ALIAS);
    }
  };
  visit(name, false);
  return [...found.values()];
}

const ALIAS = "TsTypeAliasDeclaration";

/** Goes through a declaration and tells of each type that users see of it. */
class Walk {
  readonly #refer: (word: string, isPart: boolean) => void;
  readonly #hasConstructor: boolean;

  /** `isPart`: its members are members of what is walked through. */
  constructor(refer: (word: string, isPart: boolean) => void, hasConstructor: boolean) {
    this.#refer = refer;
    this.#hasConstructor = hasConstructor;
  }

  /** `bound`: type parameters, which are nobody's. */
  walk(given: unknown, bound: ReadonlySet<string>, isPart: boolean): void {
    if (typeof given !== "object" || given === null) return;
    if (Array.isArray(given)) {
      for (const one of given) this.walk(one, bound, isPart);
      return;
    }
    const node = given as Node;
    if (this.#isHidden(node)) return;
    const names = this.#boundBy(node, bound);
    switch (node["type"]) {
      case "TsTypeReference":
        this.#reference(node["typeName"], node["typeParams"], names, isPart);
        return;
      case "TsExpressionWithTypeArguments":
        this.#reference(node["expression"], node["typeArguments"], names, true);
        return;
      case "TsTypeQuery":
        // What `typeof` looks at need not be had.
        return;
      case "ClassDeclaration":
        if (node["superClass"]) {
          // What its base is given shows where the base has members of it.
          this.#reference(node["superClass"], undefined, names, true);
        }
        this.walk([node["implements"], node["body"]], names, false);
        return;
      case "TsUnionType":
      case "TsTypeLiteral":
      case "TsMappedType":
      case "TsFunctionType":
        this.#inside(node, names, false);
        return;
      case "TsInterfaceDeclaration":
        this.walk(node["extends"], names, true);
        this.walk(node["body"], names, false);
        return;
      default:
        this.#inside(node, names, isPart);
    }
  }

  #inside(node: Node, bound: ReadonlySet<string>, isPart: boolean): void {
    for (const [key, value] of Object.entries(node)) {
      if (key !== "span" && key !== "typeParams") this.walk(value, bound, isPart);
      else if (key === "typeParams") this.walk(value, bound, false);
    }
  }

  #isHidden(node: Node): boolean {
    const access = node["accessibility"];
    if (access === "private" || access === "protected") return true;
    if (node["type"] === "Constructor") return !this.#hasConstructor;
    return node["type"] === "PrivateProperty" || node["type"] === "PrivateMethod";
  }

  #boundBy(node: Node, bound: ReadonlySet<string>): ReadonlySet<string> {
    const parameters = (node["typeParams"] ?? node["typeParameters"]) as Node | null | undefined;
    const names = [
      ...(parameters?.["type"] === "TsTypeParameterDeclaration"
        ? listOf(parameters["parameters"])
        : []),
      ...(node["type"] === "TsMappedType" ? [node["typeParam"] as Node] : []),
    ];
    if (names.length === 0) return bound;
    return new Set([...bound, ...names.map((one) => text(one["name"]))]);
  }

  #reference(named: unknown, given: unknown, bound: ReadonlySet<string>, isPart: boolean): void {
    let head = named as Node;
    while (head["type"] === "TsQualifiedName") head = head["left"] as Node;
    const word = text(head);
    if (!bound.has(word)) this.#refer(word, isPart);
    this.walk(given, bound, isPart && MAKERS.has(word));
  }
}
