export { Link } from "./link.js";
export type { LinkEvents, LinkOptions } from "./link.js";
export { Work } from "./work.js";
export { LinkMachine } from "./machine.js";
export type { Closed, Output, Registration } from "./machine.js";
export type { Agent, Frame, HeldWork, Mode, Tool, Welcome } from "./frames.js";
export { SUBPROTOCOL } from "./frames.js";
export { FrameRefusedError, FrameTooLargeError, LinkError, WorkLostError } from "./errors.js";
