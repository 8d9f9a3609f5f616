/** What the plugin uses of the API that opencode hands to it (packages/opencode/specs/tui-plugins.md in its sources). */
export interface TuiApi {
  keymap: {
    registerLayer: (layer: KeymapLayer) => void;
    registerToken: (token: { name: string; key: string }) => void;
  };
  route: { readonly current: { name: string; params?: Record<string, unknown> } };
  ui: {
    DialogSelect: (props: SelectProps) => unknown;
    DialogConfirm: (props: ConfirmProps) => unknown;
    toast: (toast: Toast) => void;
    dialog: {
      replace: (render: () => unknown, onClose?: () => void) => void;
      clear: () => void;
      setSize: (size: "medium" | "large" | "xlarge") => void;
      readonly open: boolean;
    };
  };
  event: {
    on: (
      type: "session.status",
      handler: (event: { properties: { sessionID: string; status: { type: string } } }) => void,
    ) => void;
  };
  slots: { register: (plugin: { slots: Record<string, () => unknown> }) => void };
  theme: { readonly current: { readonly textMuted: unknown } };
  tuiConfig: { keybinds?: { bindings?: readonly { key?: unknown }[] } };
  renderer: { readonly width: number; on: (event: "resize", listener: () => void) => void };
  lifecycle: { readonly signal: AbortSignal };
}

export interface KeymapLayer {
  mode?: string;
  commands?: readonly PaletteCommand[];
  bindings?: readonly { key: string; cmd: string; desc: string }[];
  /** Of two layers with the same keys the one with more of it has them. */
  priority?: number;
}

export interface PaletteCommand {
  name: string;
  title: string;
  category: string;
  namespace: "palette";
  slashName?: string;
  run: () => void;
}

/** One line of a list. opencode leaves out disabled ones, so a line that does nothing is an ordinary one. */
export interface SelectOption {
  title: string;
  value: string;
  description?: string;
  footer?: string;
  category?: string;
}

export interface SelectProps {
  readonly title: string;
  placeholder: string;
  readonly options: SelectOption[];
  /** Where the list is entered; opencode marks the line for as long as this names it. */
  readonly current: string | undefined;
  onMove: (option: SelectOption) => void;
  onSelect: (option: SelectOption) => void;
}

export interface ConfirmProps {
  title: string;
  message: string;
  onConfirm: () => void;
}

export interface Toast {
  variant: "info" | "success" | "warning" | "error";
  title: string;
  message: string;
  duration: number;
}
