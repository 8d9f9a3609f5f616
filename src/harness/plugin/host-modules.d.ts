// The parts that the plugin uses of packages in opencode. They are not installed here, and never bundled.

declare module "solid-js" {
  export function createSignal<T>(value: T): [get: () => T, set: (value: T) => void];
  export function createRenderEffect(effect: () => void): void;
}

declare module "@opentui/solid" {
  type Child = object | string;
  export function createElement(tag: "text" | "box" | "b"): object;
  export function insert(parent: object, child: Child | (() => Child | readonly Child[])): void;
  export function setProp(element: object, name: string, value: unknown): void;
}
