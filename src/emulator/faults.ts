/** Answers an HTTP request with a failure instead of doing it. */
export interface RequestFault {
  /** Any method when left out. */
  method?: string;
  /** Path without prefix and query, with or without `/api`; `*` stands for one part of it. */
  path: string;
  times: number;
  /** No more after that time, in milliseconds since 1970. */
  until?: number;
  /** The answer; when left out the connection is cut without one. */
  status?: number;
  /**
   * Instead of a status: nothing ever comes; a proxy's web page with 200; or the request is done
   * and its answer cut in the middle of the body.
   */
  answer?: "silence" | "page" | "cut body";
}

/** Cuts the socket of the run's client around an event of its run. */
export interface SocketCut {
  event: string;
  when: "before" | "after";
  times: number;
}

/** Sends a frame no client knows, after an event of a run, to that run's client. */
export interface Rubbish {
  after: string;
  text?: string;
  /** Hexadecimal. */
  binary?: string;
}

export interface NodeFault {
  type: string;
  message: string;
}

/** What can be set over HTTP; see the fields of `Faults`. */
export interface FaultSettings {
  failRequests?: RequestFault[];
  acceptThenFail?: { times: number; answer: "500" | "cut" | "silence" };
  raise?: Record<string, NodeFault>;
  slow?: Record<string, number>;
  cutSocket?: SocketCut[];
  rubbish?: Rubbish[];
  neverStart?: boolean;
  silentSocket?: boolean;
  lateHistory?: number;
  truncateView?: number;
  deafAfterReconnect?: boolean;
}

/** Misbehaviour that can be switched on while the emulator runs; everything is off but `deafAfterReconnect`. */
export class Faults implements Required<FaultSettings> {
  failRequests: RequestFault[] = [];
  /** `POST /prompt` queues the prompt, then answers 500, cuts the connection or never answers. */
  acceptThenFail: { times: number; answer: "500" | "cut" | "silence" } = {
    times: 0,
    answer: "500",
  };
  /** Class name -> the exception its nodes raise when they run. */
  raise: Record<string, NodeFault> = {};
  /** Class name -> extra milliseconds before its nodes do their work. */
  slow: Record<string, number> = {};
  cutSocket: SocketCut[] = [];
  rubbish: Rubbish[] = [];
  /** Sockets are accepted and nothing is ever sent on them. */
  silentSocket = false;
  /** Milliseconds between `execution_success` and the history entry. */
  lateHistory = 0;
  /** How many of the next `/view` bodies are cut in the middle. */
  truncateView = 0;
  /**
   * Closing an older socket unregisters the newer one of the same client id, as ComfyUI does
   * (0.33, `websocket_handler`): the newer one stays open and hears nothing more.
   */
  deafAfterReconnect = true;
  #neverStart = false;
  #started: () => void = () => {};

  /** The worker is dead: prompts stay pending while HTTP is healthy. */
  get neverStart(): boolean {
    return this.#neverStart;
  }

  set neverStart(on: boolean) {
    this.#neverStart = on;
    if (!on) this.#started();
  }

  /** Calls `started` whenever `neverStart` is switched off. */
  onStart(started: () => void): void {
    this.#started = started;
  }

  set(settings: FaultSettings): void {
    Object.assign(this, settings);
  }

  clear(): void {
    this.set({ ...new Faults().#settings() });
  }

  /** torch's out-of-memory error, as a CUDA device words it. */
  raiseOutOfMemory(classType: string): void {
    this.raise[classType] = {
      type: "torch.OutOfMemoryError",
      message:
        "CUDA out of memory. Tried to allocate 2.25 GiB. GPU 0 has a total capacity of 11.99 GiB",
    };
  }

  takeRequestFault(method: string, path: string): RequestFault | undefined {
    const plain = path.replace(/^\/api(?=\/)/, "");
    const fault = this.failRequests.find(
      (rule) =>
        rule.times > 0 &&
        Date.now() < (rule.until ?? Number.POSITIVE_INFINITY) &&
        (rule.method === undefined || rule.method === method) &&
        samePath(rule.path.replace(/^\/api(?=\/)/, ""), plain),
    );
    if (fault) fault.times -= 1;
    return fault;
  }

  takeAcceptThenFail(): "500" | "cut" | "silence" | undefined {
    if (this.acceptThenFail.times <= 0) return undefined;
    this.acceptThenFail.times -= 1;
    return this.acceptThenFail.answer;
  }

  takeTruncatedView(): boolean {
    if (this.truncateView <= 0) return false;
    this.truncateView -= 1;
    return true;
  }

  takeSocketCut(event: string, when: "before" | "after"): boolean {
    const cut = this.cutSocket.find(
      (rule) => rule.times > 0 && rule.event === event && rule.when === when,
    );
    if (cut) cut.times -= 1;
    return cut !== undefined;
  }

  #settings(): FaultSettings {
    const { failRequests, acceptThenFail, raise, slow, cutSocket, rubbish } = this;
    const { neverStart, silentSocket, lateHistory, truncateView, deafAfterReconnect } = this;
    return {
      ...{ failRequests, acceptThenFail, raise, slow, cutSocket, rubbish },
      ...{ neverStart, silentSocket, lateHistory, truncateView, deafAfterReconnect },
    };
  }
}

function samePath(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const parts = path.split("/");
  return (
    wanted.length === parts.length && wanted.every((part, i) => part === "*" || part === parts[i])
  );
}
