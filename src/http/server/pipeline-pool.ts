import { type PipelineOwner, RequestPipeline } from "./request-pipeline.js";
import type { ServerResources } from "./server-resources.js";

/** Pipelines that are kept for the next connection. */
const MAX_SPARES = 1_024;

/** Lends pipelines to the connections of a server, so that idle ones don't pay for what only requests need. */
export class PipelinePool {
  private readonly resources: ServerResources;
  private spares: RequestPipeline[] = [];

  constructor(resources: ServerResources) {
    this.resources = resources;
  }

  /** A pipeline that serves `owner`. */
  take(owner: PipelineOwner): RequestPipeline {
    const pipeline = this.spares.pop();
    if (pipeline === undefined) return new RequestPipeline(this.resources, owner);
    pipeline.serve(owner);
    return pipeline;
  }

  /** Takes a pipeline back whose connection has nothing under way. */
  give(pipeline: RequestPipeline): void {
    const isCurrent = pipeline.parserLimits === this.resources.configuration.parserLimits;
    if (pipeline.leave() && isCurrent && this.spares.length < MAX_SPARES) {
      this.spares.push(pipeline);
    } else pipeline.end();
  }

  /** Forgets the spare ones: limits have changed, or the server has stopped. */
  clear(): void {
    const { spares } = this;
    this.spares = [];
    for (const pipeline of spares) pipeline.end();
  }
}
