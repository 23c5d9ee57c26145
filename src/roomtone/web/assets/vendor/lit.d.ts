/** What the console uses of Lit, for `tsc --checkJs`; the whole of it is in Lit's own types. */
export interface TemplateResult { readonly strings: TemplateStringsArray; readonly values: unknown[]; }
export const nothing: unique symbol;
export const noChange: unique symbol;
export function html(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult;
export function svg(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult;
export function css(strings: TemplateStringsArray, ...values: unknown[]): unknown;
export interface PropertyDeclaration { attribute?: boolean | string; state?: boolean; reflect?: boolean; type?: unknown; }
export class LitElement extends HTMLElement {
  static properties: Record<string, PropertyDeclaration>;
  readonly isConnected: boolean;
  readonly updateComplete: Promise<boolean>;
  readonly hasUpdated: boolean;
  connectedCallback(): void;
  disconnectedCallback(): void;
  requestUpdate(name?: PropertyKey, oldValue?: unknown): void;
  protected createRenderRoot(): HTMLElement | DocumentFragment;
  protected render(): unknown;
  protected shouldUpdate(changed: Map<PropertyKey, unknown>): boolean;
  protected willUpdate(changed: Map<PropertyKey, unknown>): void;
  protected firstUpdated(changed: Map<PropertyKey, unknown>): void;
  protected updated(changed: Map<PropertyKey, unknown>): void;
}
export function repeat<T>(
  items: Iterable<T>, key: (item: T, index: number) => unknown, template: (item: T, index: number) => unknown,
): unknown;
export function classMap(classes: Record<string, boolean | undefined>): unknown;
export function ifDefined<T>(value: T): unknown;
export function live(value: unknown): unknown;
export function guard(dependencies: unknown[], template: () => unknown): unknown;
export function keyed(key: unknown, template: unknown): unknown;
export interface Ref<T extends Element = Element> { readonly value?: T; }
export function createRef<T extends Element = Element>(): Ref<T>;
export function ref(target: Ref | ((element: Element | undefined) => void)): unknown;
