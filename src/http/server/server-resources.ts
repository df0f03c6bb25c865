import type { TimingWheel } from "../../time/timing-wheel.js";
import type { ResponseCompression } from "./compression/response-compression.js";
import type { HandlerCalls } from "./handler-calls.js";
import type { HttpServerConfiguration } from "./http-server-settings.js";
import { AddedFields } from "./response/added-fields.js";
import { ResponseEncoder } from "./response/response-encoder.js";

/** What the connections of a server share. */
export class ServerResources {
  readonly wheel: TimingWheel;
  readonly calls: HandlerCalls;
  readonly encoder: ResponseEncoder = new ResponseEncoder();
  readonly compression: ResponseCompression;
  readonly addedFields: AddedFields;
  /** Requests that have come. */
  requestCount = 0;
  private settings: HttpServerConfiguration;

  constructor(
    wheel: TimingWheel,
    calls: HandlerCalls,
    configuration: HttpServerConfiguration,
    compression: ResponseCompression,
  ) {
    this.compression = compression;
    this.wheel = wheel;
    this.calls = calls;
    this.addedFields = new AddedFields(wheel);
    this.settings = configuration;
    this.announce();
  }

  /** The settings in force. */
  get configuration(): HttpServerConfiguration {
    return this.settings;
  }

  set configuration(configuration: HttpServerConfiguration) {
    this.settings = configuration;
    this.announce();
  }

  private announce(): void {
    const { keepAliveTimeoutMs, maxRequestsPerConnection } = this.settings.limits;
    this.addedFields.announce(keepAliveTimeoutMs, maxRequestsPerConnection);
  }
}
