/** Largest mesh text and HTTP body that is read, in bytes: 16 MiB. */
export const MESH_TEXT_LIMIT = 16 * 1024 * 1024;
