// How everything looks: one calm accent, plain surfaces, and text that is readable in both schemes.

import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#eaf6f5", "#d5ebe9", "#a9d7d3", "#7ac2bc", "#54b0a9",
  "#3ba59d", "#2a9d95", "#178981", "#0b7a73", "#07615b",
];

const dark: MantineColorsTuple = [
  "#e3e9ec", "#c9d2d7", "#a9b6bd", "#71828b", "#45535a",
  "#313d43", "#283237", "#1c2428", "#161c1f", "#0f1416",
];

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: 9,
  autoContrast: true,
  luminanceThreshold: 0.35,
  colors: { teal, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  headings: { fontFamily: "'Inter Variable', system-ui, sans-serif", fontWeight: "620" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    TextInput: { defaultProps: { size: "md" } },
    PasswordInput: { defaultProps: { size: "md" } },
    Textarea: { defaultProps: { size: "md" } },
    Select: { defaultProps: { size: "md" } },
    Anchor: { defaultProps: { underline: "always" } },
  },
});

// Mantine's own gray for secondary text, and its red for errors, are too faint to be read by everybody.
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#f6f8f8",
    "--mantine-color-dimmed": "#55636b",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-placeholder": "#67757d",
    "--surface": "#ffffff",
    "--line": "#dfe5e7",
  },
  dark: {
    "--mantine-color-body": "#12181b",
    "--mantine-color-anchor": "#7ac2bc",
    "--mantine-primary-color-light-color": "#a9d7d3",
    "--mantine-primary-color-light": "#173a38",
    "--mantine-color-dimmed": "#a3b1b8",
    "--mantine-color-error": "#ff9d95",
    "--mantine-color-placeholder": "#93a1a8",
    "--surface": "#1a2226",
    "--line": "#303b41",
  },
});
