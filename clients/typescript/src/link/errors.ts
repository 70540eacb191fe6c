// What can go wrong on the link, as types.

/** The link can't come up and trying again does not help: a bad URL, key or registration. */
export class LinkError extends Error {
  override name = "LinkError";
  constructor(
    /** `bad_url`, `unauthorized`, or the gateway's error code. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The piece of work is not ours any more; nothing that we send for it has an effect. */
export class WorkLostError extends Error {
  override name = "WorkLostError";
  constructor(
    readonly id: string,
    /** `cancelled`, `not_held`, `closed`, or the gateway's error code. */
    readonly reason: string,
  ) {
    super(`work ${id} is lost: ${reason}`);
  }
}

/** The gateway refused one frame (R-LNK-22); the work and the link go on. */
export class FrameRefusedError extends Error {
  override name = "FrameRefusedError";
  constructor(
    readonly id: string,
    readonly seq: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A frame that can never be sent: it is over the gateway's limit for one frame. */
export class FrameTooLargeError extends Error {
  override name = "FrameTooLargeError";
  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`a frame of ${bytes} bytes is over the gateway's limit of ${limit}`);
  }
}
