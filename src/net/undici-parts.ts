// By name: of a package written for `require`, loaded whole, a bundler leaves a default alone.
import { Agent, FormData, request } from "undici";

export const undici = { Agent, FormData, request };
