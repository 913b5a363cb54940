/**
 * The validator itself, as one module without anything of ours: loaded when a schema is met, and packaged in a file of its own
 * (`scripts/build/commandLine.ts`).
 */
export { Ajv } from "ajv"
export { _, Ajv2020, Name } from "ajv/dist/2020.js"
export { default as formats } from "ajv-formats"
